/** The embedded PostgreSQL: whoever starts it, wherever; kept between runs; back after a crash. */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Client } from "pg";
import { afterEach, expect, it } from "vitest";
import {
  startPostgres,
  type Postgres,
  type PostgresOptions,
  type PostgresRole,
} from "../../../local/part/postgres.ts";
import { provisionRoles, provisionSchemas } from "../../../local/part/postgres-role.ts";
import { commandLine } from "../../../local/process/replica/orphan.ts";

const owner = { name: "audit_owner", password: "p w/@:'" };
const runtime = { name: "audit", password: "runtime" };
const stranger = { name: "notification", password: "n" };
const notes: string[] = [];
const running: Postgres[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server[Symbol.asyncDispose]()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  notes.length = 0;
});

function stateFolder(mode = 0o700): string {
  const folder = mkdtempSync(join(tmpdir(), "task events "));
  chmodSync(folder, mode);
  folders.push(folder);
  return join(folder, ".state");
}

const optionsIn = (stateDir: string): PostgresOptions => ({
  stateDir,
  port: 0,
  database: "task_events",
  superuserPassword: "super",
  roles: [owner, runtime, stranger],
  schemas: [
    { name: "audit", owner: owner.name, usage: [runtime.name] },
    { name: "notification", owner: stranger.name, usage: [] },
  ],
  note: (subject, text) => notes.push(`${subject}: ${text}`),
});

async function start(stateDir: string): Promise<Postgres> {
  const server = await startPostgres(optionsIn(stateDir));
  running.push(server);
  if (!server.dataDir.startsWith(stateDir)) folders.push(dirname(server.dataDir));
  return server;
}

async function ask(server: Postgres, role: PostgresRole, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: server.url(role) });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>({ text: sql })).rows;
  } finally {
    await client.end();
  }
}

it("starts under a closed folder with a blank in its name, and keeps what was written", async () => {
  const stateDir = stateFolder();
  const first = await start(stateDir);
  await ask(first, owner, "CREATE TABLE entry (id int); GRANT INSERT, SELECT ON entry TO audit");
  await ask(first, runtime, "INSERT INTO entry VALUES (1)");
  await running.splice(0)[0]?.[Symbol.asyncDispose]();
  const again = await start(stateDir);
  expect(again.port).toBe(first.port);
  expect(await ask(again, runtime, "SELECT id FROM audit.entry")).toEqual([{ id: 1 }]);
});

it("gives each role its own schema and nothing of another's", async () => {
  const server = await start(stateFolder());
  await ask(server, owner, "CREATE TABLE entry (id int)");
  await expect(ask(server, stranger, "SELECT * FROM audit.entry")).rejects.toThrow("permission");
  await expect(ask(server, runtime, "CREATE TABLE mine (id int)")).rejects.toThrow("permission");
  await expect(ask(server, runtime, "SELECT * FROM entry")).rejects.toThrow("permission");
  const wrong = { ...runtime, password: "wrong" };
  await expect(ask(server, wrong, "SELECT 1")).rejects.toThrow("password authentication");
});

it("is prepared by somebody who is no superuser but may make roles, on a database of their own", async () => {
  const server = await start(stateFolder());
  const builder = { name: "builder", password: "b" };
  const superuser = { name: "postgres", password: "super" };
  await ask(server, superuser, "CREATE ROLE builder LOGIN CREATEROLE PASSWORD 'b'");
  await ask(server, superuser, "CREATE DATABASE theirs OWNER builder");
  const client = new Client({
    connectionString: server.url(builder).replace("/task_events", "/theirs"),
  });
  await client.connect();
  const owned = { name: "their_owner", password: "x" };
  const schemas = [{ name: "audit", owner: owned.name, usage: [] }];
  for (const _ of ["first", "again"]) {
    await provisionRoles(client, { database: "theirs", roles: [owned], schemas });
    await provisionSchemas(client, { database: "theirs", roles: [owned], schemas });
  }
  await client.end();
  const roles = await ask(server, superuser, "SELECT rolname FROM pg_roles");
  expect(roles).toContainEqual({ rolname: "their_owner" });
});

it("writes durably", async () => {
  const server = await start(stateFolder());
  const settings =
    "current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit";
  expect(await ask(server, runtime, `SELECT ${settings}`)).toEqual([{ fsync: "on", commit: "on" }]);
});

it("is back after kill -9, with what was committed", async () => {
  const server = await start(stateFolder());
  await ask(server, owner, "CREATE TABLE entry AS SELECT 1 AS id");
  const { pid } = server;
  process.kill(pid ?? 0, "SIGKILL");
  await expect
    .poll(() => ask(server, owner, "SELECT id FROM entry").catch(() => []), { timeout: 15_000 })
    .toEqual([{ id: 1 }]);
  expect(server.pid).not.toBe(pid);
  expect(notes).toContain("postgres: ended unexpectedly; started again");
});

it("is tried again ever later where it cannot start, and is back when it can", async () => {
  const server = await start(stateFolder());
  const [file, aside] = ["PG_VERSION", "PG_VERSION.aside"].map((it) => join(server.dataDir, it));
  renameSync(file ?? "", aside ?? "");
  process.kill(server.pid ?? 0, "SIGKILL");
  const told = () => notes.filter((it) => it.includes("does not stay up"));
  await expect.poll(() => told().length, { timeout: 20_000 }).toBe(3);
  const waits = told().map((it) => Number(/in ([\d.]+) s/.exec(it)?.[1]));
  expect(waits).toEqual([0.4, 0.8, 1.6]);
  expect(told()[0]).toContain("postgres.log");
  renameSync(aside ?? "", file ?? "");
  await expect
    .poll(() => ask(server, runtime, "SELECT 1 AS one").catch(() => []), { timeout: 15_000 })
    .toEqual([{ one: 1 }]);
});

it("ends one that stands still too", { timeout: 60_000 }, async () => {
  const server = await start(stateFolder());
  const { pid = 0 } = server;
  process.kill(pid, "SIGSTOP");
  await server[Symbol.asyncDispose]();
  expect(commandLine(pid)).toBe("");
});

it("ends at the next start the server that outlived a killed runner", async () => {
  const stateDir = stateFolder();
  mkdirSync(stateDir, { recursive: true });
  const module = join(import.meta.dirname, "../../../local/part/postgres.ts");
  const { note: _, ...options } = optionsIn(stateDir);
  const script = `import { startPostgres } from ${JSON.stringify(module)};
    const server = await startPostgres({ ...${JSON.stringify(options)}, note: () => {} });
    console.log(server.pid);`;
  const args = ["--input-type=module-typescript", "--eval", script];
  const runner = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const pid = Number(await new Promise((resolve) => runner.stdout.once("data", resolve)));
  runner.kill("SIGKILL");
  expect(commandLine(pid)).toContain("postgres");
  const server = await start(stateDir);
  expect(commandLine(pid)).toBe("");
  expect(await ask(server, runtime, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

it("begins anew where the state folder was removed, wherever the data lie", async () => {
  const stateDir = stateFolder();
  const first = await start(stateDir);
  await ask(first, owner, "CREATE TABLE entry (id int)");
  await running.splice(0)[0]?.[Symbol.asyncDispose]();
  rmSync(stateDir, { recursive: true });
  const again = await start(stateDir);
  await expect(ask(again, owner, "SELECT * FROM entry")).rejects.toThrow("does not exist");
});

it("says that a given port is taken", async () => {
  const server = await start(stateFolder());
  const taken = { ...optionsIn(stateFolder(0o755)), port: server.port };
  await expect(startPostgres(taken)).rejects.toMatchObject({ code: "EADDRINUSE" });
});

it.runIf(process.getuid?.() === 0)("removes the data of a state folder that is gone", async () => {
  const gone = stateFolder();
  const { dataDir } = await start(gone);
  await running.splice(0)[0]?.[Symbol.asyncDispose]();
  expect(existsSync(dataDir)).toBe(true);
  rmSync(gone, { recursive: true });
  await start(stateFolder());
  expect(existsSync(dataDir)).toBe(false);
});

it.runIf(process.getuid?.() === 0)("runs as another user where the runner is root", async () => {
  const stateDir = stateFolder(0o755);
  const server = await start(stateDir);
  expect(server.dataDir).toBe(join(stateDir, "postgres"));
  const user = execFileSync("ps", ["-o", "uid=", "-p", String(server.pid)])
    .toString()
    .trim();
  expect(user).not.toBe("0");
});
