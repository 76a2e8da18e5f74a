/** The gateway's kind of workload: pods that are always on, WebSockets through the front, a sidecar each. */
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import {
  startStatefulSet,
  type RunningStatefulSet,
  type StatefulSetOptions,
} from "../../../local/process/stateful-set.ts";
import { fixtureCommand, keepNotes, temporaryFolder } from "./fixture/command.ts";

const { note, notes } = keepNotes();
const running: AsyncDisposable[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((set) => set[Symbol.asyncDispose]()));
  notes.length = 0;
});

async function start(over: Partial<StatefulSetOptions> = {}): Promise<RunningStatefulSet> {
  const stateDir = temporaryFolder();
  const set = await startStatefulSet({
    name: "pods",
    replicas: 2,
    port: 0,
    process: (podName) =>
      fixtureCommand({ name: podName, stateDir, env: { POD_NAME: podName, MODE: "websocket" } }),
    allowedOrigins: ["https://tasks.example"],
    note,
    ...over,
  });
  running.push(set);
  return set;
}

function get(set: RunningStatefulSet, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: `localhost:${String(set.port)}` };
    request({ host: "127.0.0.1", port: set.port, path, headers, agent: false }, (res) => {
      text(res).then(resolve, reject);
    })
      .on("error", reject)
      .end();
  });
}

const podOf = async (set: RunningStatefulSet) =>
  (JSON.parse(await get(set, "/env")) as Record<string, string>)["POD_NAME"];

function handshake(set: RunningStatefulSet, path = "/ws", origin?: string): Socket {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: localhost:${String(set.port)}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
  ];
  const socket = connect(set.port, "127.0.0.1");
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  return socket;
}

async function firstBytes(socket: Socket): Promise<string> {
  return String(await new Promise((resolve) => socket.once("data", resolve)));
}

it("has every pod on, each with its own name, and takes them in turn", async () => {
  const set = await start();
  await expect.poll(() => [set.podPort(0), set.podPort(1)].every((port) => port)).toBe(true);
  await set.wake();
  await expect
    .poll(async () => new Set([await podOf(set), await podOf(set)]), { timeout: 5_000 })
    .toEqual(new Set(["pods-0", "pods-1"]));
});

it("starts a pod again after a crash, under the same name", async () => {
  const set = await start({ replicas: 1 });
  await set.wake();
  await get(set, "/die");
  // Until it is gone, its port may still take a connection that nobody answers.
  await expect.poll(() => podOf(set)).toBe("pods-0");
});

it("gives each pod its own sidecar's ports, and the sidecar the port of the living app", async () => {
  const sidecars: { podName: string; appPort: () => number | undefined; ended: boolean }[] = [];
  const set = await start({
    startSidecar: (podName, appPort) => {
      const sidecar = { podName, appPort, ended: false };
      sidecars.push(sidecar);
      const httpPort = 40_000 + sidecars.length;
      const end = () => Promise.resolve(void (sidecar.ended = true));
      return Promise.resolve({ httpPort, grpcPort: httpPort + 100, [Symbol.asyncDispose]: end });
    },
  });
  await set.wake();
  const env = JSON.parse(await get(set, "/env")) as Record<string, string>;
  const ordinal = env["POD_NAME"] === "pods-0" ? 0 : 1;
  expect(env["DAPR_HTTP_PORT"]).toBe(String(40_001 + ordinal));
  expect(env["PORT"]).toBe(String(sidecars[ordinal]?.appPort()));
  await running.splice(0)[0]?.[Symbol.asyncDispose]();
  expect(sidecars.map(({ ended }) => ended)).toEqual([true, true]);
});

it("joins a WebSocket to a pod, both ways, and ends it with the pod", async () => {
  const set = await start({ replicas: 1 });
  const socket = handshake(set);
  expect(await firstBytes(socket)).toMatch(/^HTTP\/1.1 101 /);
  socket.write("ping");
  expect(await firstBytes(socket)).toBe("ping");
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await running.splice(0)[0]?.[Symbol.asyncDispose]();
  await closed;
});

it("refuses a handshake of another origin itself", async () => {
  const set = await start({ replicas: 1 });
  expect(await text(handshake(set, "/ws", "https://evil.example"))).toMatch(/^HTTP\/1.1 403 /);
});

it("passes on a refused handshake, and the next one although the pod has closed that connection", async () => {
  const set = await start({ replicas: 1 });
  expect(await text(handshake(set, "/refused"))).toMatch(/^HTTP\/1.1 401 [^]*no$/);
  const allowed = handshake(set, "/ws", "https://tasks.example");
  expect(await firstBytes(allowed)).toMatch(/^HTTP\/1.1 101 /);
  allowed.destroy();
});

it("rejects with the sentence where a pod ends for a person's mistake", async () => {
  const set = await start({ process: () => fixtureCommand({ env: { MODE: "mistake" } }) });
  await expect(set.wake()).rejects.toThrow("pods: DATABASE_URL is missing: set it in the Service");
});
