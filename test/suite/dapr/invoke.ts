/** Invocation by URL: how the gateway asks audit-log, which has no sidecar. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Pod } from "./pod.ts";

async function serve(answer: (req: IncomingMessage, body: Buffer, res: ServerResponse) => void) {
  const server = createServer((req, res) => {
    void buffer(req).then((body) => answer(req, body, res));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  });
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

export function invokeTests(getPod: () => Pod): void {
  describe("invocation", () => {
    it("passes on method, path, query, headers and body, and the answer as it is", async () => {
      const seen: { req: IncomingMessage; body: string }[] = [];
      const url = await serve((req, body, res) => {
        seen.push({ req, body: body.toString() });
        res.writeHead(418, { "x-answer": "yes", "content-type": "text/plain" }).end("tea");
      });
      const answer = await getPod().call(`/v1.0/invoke/${url}/method/history?limit=5&q=%C3%A9`, {
        method: "POST",
        headers: { authorization: "Bearer x", "content-type": "application/json" },
        body: '{"a":1.0}',
      });
      expect([answer.status, answer.headers.get("x-answer"), await answer.text()]).toEqual([
        418,
        "yes",
        "tea",
      ]);
      const [{ req, body } = { req: undefined, body: "" }] = seen;
      expect([req?.method, req?.url, body]).toEqual([
        "POST",
        "/history?limit=5&q=%C3%A9",
        '{"a":1.0}',
      ]);
      expect(req?.headers).toMatchObject({
        authorization: "Bearer x",
        "content-type": "application/json",
        host: new URL(url).host,
      });
      // Its own token for the sidecar stays there.
      expect(req?.headers["dapr-api-token"]).toBe(getPod().appApiToken);
    });

    it("passes on a GET, and an answer of 3 MiB byte for byte", async () => {
      const bytes = Buffer.alloc(3 * 1024 * 1024, "ü1.0");
      const url = await serve((_, __, res) => res.end(bytes));
      const answer = await getPod().call(`/v1.0/invoke/${url}/method/generation`);
      expect(answer.status).toBe(200);
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
    });

    it("says that a service cannot be reached", async () => {
      const answer = await getPod().call("/v1.0/invoke/http://127.0.0.1:1/method/x");
      expect([answer.status, await answer.json()]).toMatchObject([
        500,
        { errorCode: "ERR_DIRECT_INVOKE" },
      ]);
    });
  });
}
