/** The gateway as its own process: kill -9, and an orderly end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { portsFor } from "../../support/port.ts";
import { WsClient } from "./fixture/client.ts";
import { idsOf, manyEvents, tokenOf, World } from "./fixture/world.ts";

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world[Symbol.asyncDispose]());

const entry = new URL("../../../functions/websocket-gateway/index.ts", import.meta.url).pathname;

async function start(port: number, daprHttpPort: number): Promise<ChildProcess> {
  const env = {
    ...world.variables("gateway-0", daprHttpPort),
    HOST: "127.0.0.1",
    PORT: String(port),
    METRICS_PORT: "0",
    DRAIN_SPREAD_MS: "100",
    PATH: process.env["PATH"],
  };
  const child = spawn(process.execPath, [decodeURIComponent(entry)], { env, stdio: "ignore" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/health/readiness`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isReady, { timeout: 20_000 }).toBe(true);
  return child;
}

it("is resumed from after kill -9, and drains on SIGTERM with exit code 0", async () => {
  const token = await tokenOf("u1");
  const { port } = await portsFor(["port"]);
  const url = `http://127.0.0.1:${port}`;
  const sidecar = await world.sidecar("gateway-0", () => port);
  const first = await start(port, sidecar.httpPort);
  const client = new WsClient(url, { token });
  await client.hello();
  const events = manyEvents(1500);
  const publishing = world.publish(events);
  await expect.poll(() => client.ids.length, { timeout: 15_000 }).toBeGreaterThan(100);
  first.kill("SIGKILL");
  expect(await client.untilClosed()).toBe(1006);
  await publishing;
  const second = await start(port, sidecar.httpPort);
  const back = new WsClient(url, { token, cursor: client.lastCursor });
  expect(await back.hello()).toMatchObject({ recovered: true });
  const seen = new Set(client.ids);
  await back.untilIds(idsOf(events).filter((id) => !seen.has(id)));
  second.kill("SIGTERM");
  expect(await back.untilClosed()).toBe(1012);
  expect(await once(second, "exit")).toEqual([0, null]);
});
