/** A function's process: what it is given, how it ends, and that nothing outlives the runner. */
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  startFunctionProcess,
  spawnNode,
} from "../../../../local/process/replica/function-process.ts";
import {
  commandLine,
  endOrphans,
  recordProcess,
} from "../../../../local/process/replica/orphan.ts";
import { entry, fixtureCommand, keepNotes, temporaryFolder } from "../fixture/command.ts";

const { note, notes } = keepNotes();

it("gives the environment of the YAML and nothing of the runner's own", async () => {
  process.env["OF_THE_RUNNER"] = "secret";
  const started = await startFunctionProcess(fixtureCommand({ env: { GREETING: "hello" } }), note);
  expect(await started.ready()).toBe(true);
  const answer = await fetch(`http://127.0.0.1:${String(started.port)}/env`);
  const env = (await answer.json()) as Record<string, string>;
  await started.stop();
  expect(env).toMatchObject({ GREETING: "hello", HOST: "127.0.0.1", PORT: String(started.port) });
  expect(env["METRICS_PORT"]).toBe(String(started.metricsPort));
  expect(env).not.toHaveProperty("OF_THE_RUNNER");
});

it("keeps the log and shows warnings as one line", async () => {
  const command = fixtureCommand();
  const started = await startFunctionProcess(command, note);
  await started.ready();
  expect(await started.stop()).toMatchObject({ code: 0, signal: null });
  expect(notes).toContain("fixture: careful");
  const log = join(command.stateDir, "log", "fixture.log");
  await expect.poll(() => readFileSync(log, "utf8")).toContain('"msg":"careful"');
});

it("ends with SIGKILL what does not end by the deadline", async () => {
  const command = fixtureCommand({ env: { MODE: "stubborn" }, drainMs: 100 });
  const started = await startFunctionProcess(command, note);
  await started.ready();
  expect((await started.stop()).signal).toBe("SIGKILL");
});

it("is not ready where the process ends before, and hands over what it said", async () => {
  const started = await startFunctionProcess(fixtureCommand({ env: { MODE: "mistake" } }), note);
  expect(await started.ready()).toBe(false);
  expect(await started.exited).toMatchObject({
    code: 2,
    sentence: "DATABASE_URL is missing: set it in the Service",
  });
});

it("dies with a runner that was killed with -9", async () => {
  const stateDir = temporaryFolder();
  const module = join(import.meta.dirname, "../../../../local/process/replica/function-process.ts");
  const script = `import { startFunctionProcess } from ${JSON.stringify(module)};
    const started = await startFunctionProcess(${JSON.stringify(fixtureCommand({ stateDir }))}, () => {});
    await started.ready();
    console.log(started.pid);`;
  const args = ["--input-type=module-typescript", "--eval", script];
  const runner = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const pid = Number(await new Promise((resolve) => runner.stdout.once("data", resolve)));
  expect(alive(pid)).toBe(true);
  runner.kill("SIGKILL");
  await expect.poll(() => alive(pid)).toBe(false);
});

it("ends at the next start what an earlier runner left, and no stranger of the same process id", async () => {
  const command = fixtureCommand();
  const { child, exited } = await spawnNode({ ...command, env: { PORT: "0" } }, note);
  const stranger = spawn("sleep", ["60"]);
  recordProcess(command.stateDir, stranger.pid ?? 0, entry);
  expect(await endOrphans(command.stateDir)).toBe(1);
  await exited;
  expect(alive(child.pid ?? 0)).toBe(false);
  expect(execFileSync("ps", ["-p", String(stranger.pid)]).toString()).toContain("sleep");
  stranger.kill();
  expect(await endOrphans(command.stateDir)).toBe(0);
});

/** An ended process whose parent does not ask for it is a zombie, without a command line. */
const alive = (pid: number): boolean => commandLine(pid) !== "";
