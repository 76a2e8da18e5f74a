/** `make start` as a person sees it: its table, its exit codes, and what remains after each way to end it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { portVariable } from "../../local/address.ts";
import { listenOnLoopback } from "../../local/process/front/front.ts";
import { REPOSITORY } from "./manifest-copy.ts";
import { runnerFixture, type RunnerFixture } from "./runner-fixture.ts";

let fixture: RunnerFixture;
let started: Started[] = [];
beforeEach(async () => {
  fixture = await runnerFixture();
});
afterEach(async () => {
  await Promise.all(started.map((it) => it.end("SIGTERM")));
  started = [];
  fixture[Symbol.dispose]();
});

interface Started {
  child: ChildProcess;
  output: () => string;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

function start(env: Record<string, string> = {}): Started {
  const { broker, console, kafka, services } = fixture.ports;
  const ports = Object.entries({ broker, console, kafka, ...services });
  const variables = ports.map(([name, port]) => [portVariable(name), String(port)]);
  const { copy, stateDir, sources } = fixture;
  const flags = ["--root", copy.root, "--sources", sources, "--state", stateDir];
  const child = spawn(process.execPath, [join(REPOSITORY, "local/main.ts"), ...flags], {
    env: { PATH: process.env["PATH"], ...Object.fromEntries(variables), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer) => void (output += chunk.toString());
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  const closed = once(child, "close");
  const run: Started = {
    child,
    output: () => output,
    end: async (signal) => {
      child.kill(signal);
      await closed;
      return child.exitCode;
    },
  };
  started.push(run);
  return run;
}

const untilReady = ({ output }: Started) =>
  vi.waitFor(() => expect(output()).toContain("console  "), 25_000);

/** Everything that has the state folder or the functions in its command line. */
function leftovers(): string[] {
  const lines = execFileSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" }).split("\n");
  const own = lines.filter((line) => line.includes(fixture.sources) && !line.includes("main.ts"));
  return own.map((line) => line.trim());
}

it("prints the addresses, then lines of deliveries, and ends with 0 on Ctrl-C", async () => {
  const run = start();
  await untilReady(run);
  const { broker, services } = fixture.ports;
  expect(run.output()).toContain(`POST http://localhost:${String(broker)}/default/task-events`);
  expect(run.output()).toContain(`http://localhost:${String(services["audit-log"])}`);
  expect(await run.end("SIGINT")).toBe(0);
  expect(run.output()).toContain("stopping");
  expect(leftovers()).toEqual([]);
});

it("ends with 2 and the sentence alone where the YAML is wrong", async () => {
  fixture.copy.edit("eventing/kafka-source-audit-log.yaml", "retry: 7", "retry: many");
  const run = start();
  await once(run.child, "close");
  expect(run.child.exitCode).toBe(2);
  expect(run.output()).toBe(
    'eventing/kafka-source-audit-log.yaml:28: spec.delivery.retry must be integer, not "many"\n',
  );
});

it("ends with 1 and a sentence where the tables of a function cannot be made", async () => {
  const migrate = join(fixture.sources, "functions/notification/migrate.ts");
  writeFileSync(migrate, 'console.error("no disk"); process.exit(1);');
  const run = start();
  await once(run.child, "close");
  expect(run.child.exitCode).toBe(1);
  expect(run.output()).toMatch(/^migrate-notification ended with exit code 1: no disk \(.*\)$/m);
  expect(run.output()).not.toContain("    at ");
});

it("ends with 2 where a port is taken, and says which and how to move it", async () => {
  await using server = createServer();
  const taken = await listenOnLoopback(server, 0);
  const run = start({ BROKER_PORT: String(taken) });
  await once(run.child, "close");
  expect(run.child.exitCode).toBe(2);
  expect(run.output()).toContain(`Port ${String(taken)} (the Broker ingress) is taken`);
  expect(run.output()).toContain("BROKER_PORT=");
});

it("leaves no function running after kill -9, and starts again on the same ports and state", async () => {
  const killed = start();
  await untilReady(killed);
  await killed.end("SIGKILL");
  const next = start();
  await untilReady(next);
  expect(leftovers().filter((line) => line.includes("websocket-gateway"))).toHaveLength(1);
  expect(await next.end("SIGTERM")).toBe(0);
  expect(leftovers()).toEqual([]);
});

it("breaks the start off on Ctrl-C, and nothing stays", async () => {
  const begun = join(fixture.sources, "begun");
  const migration = join(fixture.sources, "functions/notification/migrate.ts");
  const endless = `import { writeFileSync } from "node:fs";
writeFileSync(${JSON.stringify(begun)}, "");
setInterval(() => undefined, 1_000);
`;
  writeFileSync(migration, endless);
  const run = start();
  await vi.waitFor(() => expect(existsSync(begun)).toBe(true), 25_000);
  expect(await run.end("SIGINT")).toBe(0);
  expect(run.output()).toBe("stopping: what is in flight is finished (Ctrl-C again to force)\n");
  expect(leftovers()).toEqual([]);
});

it("ends at once on a second Ctrl-C, and nothing stays", async () => {
  const run = start();
  await untilReady(run);
  fixture.hang("websocket-gateway");
  run.child.kill("SIGINT");
  await vi.waitFor(() => expect(run.output()).toContain("stopping"));
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(await run.end("SIGINT")).toBe(130);
  await vi.waitFor(() => expect(leftovers()).toEqual([]), 15_000);
});
