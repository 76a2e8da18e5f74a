/** Connections that nobody uses are closed; what takes long is not broken off. */
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { keepAliveAgent } from "../../local/keep-alive.ts";

const idleMs = 100;

it("closes a connection after a while without a request, and none while one is answered", async () => {
  const server = createServer({ keepAliveTimeout: 600_000 }, (_, response) => {
    setTimeout(() => response.end("done"), 5 * idleMs);
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const agent = keepAliveAgent({ timeout: idleMs });
  const { port } = server.address() as AddressInfo;
  const [response] = await once(request({ port, agent }).end(), "response");
  expect(response.statusCode).toBe(200);
  response.resume();
  await once(response, "end");
  const open = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_, count) => resolve(count)));
  await expect.poll(open).toBe(0);
});
