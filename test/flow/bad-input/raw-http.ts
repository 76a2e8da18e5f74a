/** HTTP as no client library would send it. */
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  /** Undefined where the connection was closed without an answer. */
  readonly status: number | undefined;
  readonly text: string;
}

interface Manner {
  readonly pauseMs?: number;
  /** Goes away when all is written. */
  readonly hangUp?: boolean;
}

/** Writes the pieces one after the other and reads until the other side closes, or has said all that it announced. */
export function exchange(
  port: number,
  pieces: readonly (string | Buffer)[],
  manner: Manner = {},
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => void writeAll(socket, pieces, manner));
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (isWhole(Buffer.concat(chunks).toString("latin1"))) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      const text = Buffer.concat(chunks).toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve({ status: status === undefined ? undefined : Number(status), text });
    });
  });
}

async function writeAll(
  socket: Socket,
  pieces: readonly (string | Buffer)[],
  { pauseMs = 0, hangUp = false }: Manner,
): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    socket.write(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  if (hangUp) socket.end(() => socket.destroy());
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = text.slice(0, end);
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  if (length !== undefined) return text.length - end - 4 >= Number(length);
  if (/^transfer-encoding: chunked/im.test(head)) return text.endsWith("0\r\n\r\n");
  return false;
}

/** A request's head; `Host` is right unless another is given. */
export function head(
  line: string,
  port: number,
  headers: Readonly<Record<string, string>> = {},
): string {
  const all = { Host: `localhost:${port}`, ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
