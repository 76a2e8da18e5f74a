/** A server that is to end waits for answers, not for connections. */
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { once } from "node:events";
import { expect, it, onTestFinished } from "vitest";
import { closeServer, trackConnections } from "../../../lib/host/connection.ts";

/** Far above what the test takes: who waits for it fails. */
const GRACE_MS = 20_000;

async function startServer(): Promise<{
  server: Server;
  answer: () => void;
  open: () => Promise<Socket>;
}> {
  const { promise, resolve: answer } = Promise.withResolvers<void>();
  const server = createServer((_, response) => void promise.then(() => response.end("done")));
  trackConnections(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const open = async (): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const accepted = once(server, "connection");
    onTestFinished(() => void socket.destroy());
    await Promise.all([once(socket, "connect"), accepted]);
    return socket;
  };
  return { server, answer, open };
}

it("ends a connection at once on which nothing was ever sent", async () => {
  const { server, open } = await startServer();
  const socket = await open();
  const ended = once(socket.resume(), "close");
  const startedAt = performance.now();
  await closeServer(server, GRACE_MS);
  await ended;
  expect(performance.now() - startedAt).toBeLessThan(GRACE_MS / 2);
});

it("finishes what is being answered, and then ends the connection that would be kept alive", async () => {
  const { server, answer, open } = await startServer();
  const socket = await open();
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString()));
  const requested = once(server, "request");
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await requested;
  const startedAt = performance.now();
  const closed = closeServer(server, GRACE_MS);
  answer();
  await closed;
  expect(text).toContain("done");
  expect(performance.now() - startedAt).toBeLessThan(GRACE_MS / 2);
});

it("ends what is not answered within the grace", async () => {
  const { server, open } = await startServer();
  const socket = await open();
  const requested = once(server, "request");
  const ended = once(socket.resume(), "close");
  socket.write("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
  await requested;
  await closeServer(server, 50);
  await ended;
  expect(socket.destroyed).toBe(true);
});
