/** A TCP proxy to PostgreSQL that cuts the connection after a COMMIT was done and before it was answered. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CommitCutter extends AsyncDisposable {
  readonly url: string;
  /** Cuts the next statement that has this text and commits: `commit` itself, or one that is its own transaction. */
  cutNext(text: string): void;
  readonly cuts: () => number;
}

export async function startCommitCutter(databaseUrl: string): Promise<CommitCutter> {
  const target = new URL(databaseUrl);
  let armed: string | undefined;
  let cuts = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    let isCutting = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.on("data", (chunk) => {
      if (armed !== undefined && chunk.includes(armed)) {
        armed = undefined;
        isCutting = true;
      }
      upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (!isCutting) return void client.write(chunk);
      // The server has answered, so it has committed.
      cuts++;
      client.destroy();
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = new URL(databaseUrl);
  // A listening TCP server has an AddressInfo.
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutNext: (text) => {
      armed = text;
    },
    cuts: () => cuts,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
