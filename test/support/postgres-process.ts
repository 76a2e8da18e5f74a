/** A PostgreSQL of its own, from the npm package's binaries, that ends with this process. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { stablePort } from "../../local/process/replica/free-port.ts";
import { findBinaries, type Identity, unprivileged } from "./postgres-binary.ts";

export interface RunningPostgres extends AsyncDisposable {
  /** Of the superuser. */
  readonly url: string;
  /** Of the postmaster. */
  readonly pid: number;
}

/** `settings` as `name=value`. */
export async function startPostgres(settings: readonly string[] = []): Promise<RunningPostgres> {
  const folder = await mkdtemp(join(tmpdir(), "task-events-postgres-"));
  const identity = await unprivileged();
  if (identity !== undefined) {
    await chown(folder, identity.uid, identity.gid);
    await chmod(folder, 0o755);
  }
  const binaries = await findBinaries(folder, identity);
  const data = join(folder, "data");
  const password = randomBytes(16).toString("hex");
  await initialize(binaries.initdb, data, { folder, password, identity });
  const port = await stablePort();
  const all = ["listen_addresses=127.0.0.1", "max_connections=300", ...settings];
  const server = spawn(
    binaries.postgres,
    ["-D", data, "-p", String(port), "-k", "", ...all.flatMap((setting) => ["-c", setting])],
    { ...identity, cwd: folder, detached: true, stdio: ["ignore", "ignore", "pipe"] },
  );
  await untilReady(server);
  const guard = guardOf(server, folder);
  return {
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    pid: server.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      const exited = once(server, "exit");
      server.kill("SIGINT");
      await exited;
      guard.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function initialize(
  initdb: string,
  data: string,
  {
    folder,
    password,
    identity,
  }: { folder: string; password: string; identity: Identity | undefined },
): Promise<void> {
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (identity !== undefined) await chown(passwordFile, identity.uid, identity.gid);
  const flags = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"];
  await promisify(execFile)(initdb, ["-D", data, ...flags, `--pwfile=${passwordFile}`], {
    ...identity,
    cwd: folder,
  });
}

async function untilReady(server: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    server.stderr?.on("data", (chunk: Buffer) => {
      if (said.length < 10_000) said += chunk.toString();
      if (said.includes("ready to accept connections")) resolve();
    });
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`PostgreSQL did not start: ${said}`)));
  });
}

/** A killed test run must leave nothing: the shell sees its pipe close, ends the server and removes the data. */
function guardOf(server: ChildProcess, folder: string): ChildProcess {
  const script = 'cat >/dev/null; kill -QUIT "$1" && sleep 1; rm -rf "$2"';
  const guard = spawn("sh", ["-c", script, "sh", String(server.pid), folder], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard.unref();
  return guard;
}
