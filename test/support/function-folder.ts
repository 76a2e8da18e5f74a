/** A function's folder as func and the buildpack treat it: bundled, uploaded without what .funcignore names, built, started. */
import { execFile, spawn } from "node:child_process";
import { cp, readdir, readFile } from "node:fs/promises";
import { basename, dirname, join, matchesGlob, relative, sep } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { build, type BuildOptions } from "rolldown";
import { onTestFinished } from "vitest";
import config from "../../rolldown.config.ts";
import { type Identity, isTraversable, unprivileged } from "./postgres-binary.ts";

const ROOT = join(import.meta.dirname, "../..");

/** The functions' folders below `to`, as `make build` leaves them. */
export async function makeFolders(to: string): Promise<void> {
  await cp(join(ROOT, "functions"), join(to, "functions"), {
    recursive: true,
    filter: (path) => basename(path) !== "dist",
  });
  const options = [config].flat().map(({ output, ...entry }) => {
    const { dir = "", ...how } = [output].flat()[0] ?? {};
    return {
      ...entry,
      cwd: ROOT,
      output: { ...how, dir: join(to, dir) },
      logLevel: "warn" as const,
    };
  });
  await build(options as BuildOptions[]);
}

/** Names, or globs of a name, at any depth: what all of func's readers of the file take for the same. */
export async function ignoredBy(folder: string): Promise<string[]> {
  const lines = (await readFile(join(folder, ".funcignore"), "utf8")).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#"));
}

/** Copies what func would upload. */
export async function upload(folder: string, to: string): Promise<string[]> {
  const patterns = await ignoredBy(folder);
  const isIgnored = (path: string): boolean =>
    path.split(sep).some((name) => patterns.some((pattern) => matchesGlob(name, pattern)));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !isIgnored(path));
  for (const path of files) await cp(join(folder, path), join(to, path));
  return files.toSorted();
}

/** Node of this project first, as the buildpack puts the Node of `engines` first. */
export const PATH = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;

/** As the buildpacks npm-install and node-run-script do it. Rejects with what npm said. */
export async function buildWithNpm(folder: string): Promise<void> {
  for (const words of [
    ["install", "--offline"],
    ["run", "build"],
  ]) {
    await promisify(execFile)("npm", words, { cwd: folder, env: { ...process.env, PATH } });
  }
}

export interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

export interface StartedFunction {
  readonly url: string;
  stop(): Promise<Ended>;
}

export interface Start {
  readonly folder: string;
  /** What the container runs, by a shell: npm-start takes it from package.json and leaves npm out. */
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** By default one that owns nothing. */
  readonly user?: Identity | undefined;
}

/** Runs to its end. */
export async function runToEnd(start: Start): Promise<Ended> {
  const { ended } = await spawnAsContainer(start);
  return ended;
}

/** Resolves when it says that it listens; rejects with what it says at its end. */
export async function startFolder(start: Start): Promise<StartedFunction> {
  const { child, ended } = await spawnAsContainer(start);
  const listening = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { msg, url } = toLogLine(line);
    if (msg === "listening" && url !== undefined) listening.resolve(url);
  });
  void ended.then(({ code, stderr }) =>
    listening.reject(new Error(`ended with ${String(code)} before it listened: ${stderr}`)),
  );
  return {
    url: await listening.promise,
    stop: () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

const toLogLine = (line: string): { msg?: string; url?: string } => {
  try {
    return JSON.parse(line) as { msg?: string; url?: string };
  } catch {
    return {};
  }
};

/** Undefined where who runs this is not root, or where nobody else reaches this project's Node, as below root's home. */
export async function otherUser(wanted?: Identity): Promise<Identity | undefined> {
  const other = await unprivileged();
  const reaches = other !== undefined && (await isTraversable(dirname(process.execPath)));
  return reaches ? (wanted ?? other) : undefined;
}

/**
 * With a container's environment and no more, as a user that is not root and owns nothing; Node's permission model is the
 * file system that nobody writes to, and lets nothing else be executed.
 */
async function spawnAsContainer({ folder, command, env, user }: Start) {
  const identity = await otherUser(user);
  const child = spawn("sh", ["-c", `exec ${command}`], {
    cwd: folder,
    env: { HOST: "127.0.0.1", METRICS_PORT: "0", PATH, NODE_OPTIONS: READ_ONLY, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...identity,
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject).once("close", (code) => resolve({ code, stderr }));
  });
  return { child, ended };
}

/** Newer Node asks for the network, too. */
const READ_ONLY = [
  "--permission",
  "--allow-fs-read=*",
  ...(process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : []),
].join(" ");
