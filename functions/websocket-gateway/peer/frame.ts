/** What is written to a peer: one JSON text a frame, in the framing of its transport. */

/** How frames look on one kind of stream. Frames of the same encoding are the same bytes for every peer. */
export interface Encoding {
  readonly hello: (cursor: string, recovered: boolean | undefined) => Buffer;
  /** `event` is embedded as it is. */
  readonly event: (cursor: string, event: Buffer) => Buffer;
}

const open = (cursor: string): string => `{"type":"event","cursor":"${cursor}","event":`;
const close = Buffer.from("}");

const helloText = (cursor: string, recovered: boolean | undefined): string =>
  JSON.stringify({ type: "hello", cursor, ...(recovered === undefined ? {} : { recovered }) });

export const webSocketEncoding: Encoding = {
  hello: (cursor, recovered) => textFrame([Buffer.from(helloText(cursor, recovered))]),
  event: (cursor, event) => textFrame([Buffer.from(open(cursor)), event, close]),
};

/** One unmasked text frame, final (RFC 6455, section 5.2): the same bytes for each peer. */
function textFrame(payload: readonly Buffer[]): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([frameHeader(length), ...payload]);
}

function frameHeader(length: number): Buffer {
  const finalText = 0x81;
  if (length < 126) return Buffer.from([finalText, length]);
  const header = Buffer.alloc(length < 65_536 ? 4 : 10);
  header[0] = finalText;
  header[1] = length < 65_536 ? 126 : 127;
  if (length < 65_536) header.writeUInt16BE(length, 2);
  else header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** `suffix` is put behind each cursor: on a ticket's stream, its proof. */
export function sseEncoding(suffix = ""): Encoding {
  return {
    hello: (cursor, recovered) => {
      const id = `${cursor}${suffix}`;
      return Buffer.from(`id: ${id}\ndata: ${helloText(id, recovered)}\n\n`);
    },
    event: (cursor, event) => {
      const id = `${cursor}${suffix}`;
      const text = Buffer.from(`id: ${id}\ndata: ${open(id)}`);
      return Buffer.concat([text, dataLines(event), close, endOfMessage]);
    },
  };
}

const endOfMessage = Buffer.from("\n\n");
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Line ends are blanks between JSON's tokens; in an SSE field each begins a new line. */
function dataLines(event: Buffer): Buffer {
  if (!event.includes(lineFeed) && !event.includes(carriageReturn)) return event;
  return Buffer.from(event.toString("utf8").replace(/\r\n|\r|\n/g, "\ndata: "), "utf8");
}
