/** `make start-real`: one command for the flow and its servers, which keep what they have and never outlive it. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isPortFree } from "../../local/process/replica/free-port.ts";
import { partsFolder } from "../../local/real/cache.ts";
import { entriesOf, until } from "../support/look.ts";
import { lacks } from "../support/real.ts";
import { Runner } from "../support/runner.ts";

const options = {
  entry: "local/real/start.ts",
  env: { PARTS_DIR: partsFolder(process.env) },
};

/** Those of the servers, as it prints them before the flow starts. */
const serverPorts = ({ output }: Runner): number[] => {
  const lines = output.matchAll(/^ {2}(?:Kafka|PostgreSQL|Redis) .*127\.0\.0\.1:(\d+)/gm);
  return [...new Set([...lines].map((found) => Number(found[1])))];
};

const allFree = async (ports: readonly number[]): Promise<boolean> =>
  (await Promise.all(ports.map(isPortFree))).every(Boolean);

async function expectEntries(runner: Runner, ids: readonly string[]): Promise<void> {
  await until(async () => {
    const entries = await entriesOf(runner, "type=task.created");
    expect(entries.map(({ id }) => id).toSorted()).toEqual(ids);
  });
}

const post = (runner: Runner, id: string): Promise<number> =>
  runner.post({ id, type: "task.created" }, { task_id: id, user_id: "u1", payload: {} });

describe.skipIf(lacks("kafka", "daprd", "postgres", "redis"))("make start-real", () => {
  it("keeps what it has through Ctrl-C and kill -9, and leaves no server behind", async () => {
    await using runner = await Runner.start(options);
    const ports = serverPorts(runner);
    expect(ports).toHaveLength(3);
    expect(await allFree(ports)).toBe(false);
    expect(readdirSync(join(runner.stateDir, "log"))).toContain("websocket-gateway-0-daprd.log");
    expect(await post(runner, "first")).toBe(202);
    await expectEntries(runner, ["first"]);
    expect(await runner.kill("SIGINT")).toBe(0);
    expect(await allFree(ports)).toBe(true);

    await runner.start();
    expect(await post(runner, "second")).toBe(202);
    await expectEntries(runner, ["first", "second"]);
    await runner.kill("SIGKILL");
    await until(async () => expect(await allFree(serverPorts(runner))).toBe(true));

    await runner.start();
    await expectEntries(runner, ["first", "second"]);
  }, 240_000);

  it("says that Kafka's port is taken, before it starts anything", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    const env = { ...options.env, KAFKA_PORT: String(port) };
    await expect(Runner.start({ ...options, env })).rejects.toThrow(
      `exited with 2:\nPort ${port} (Kafka) is taken`,
    );
    taken.close();
  });
});
