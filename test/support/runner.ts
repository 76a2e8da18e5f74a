/** `make start` for a test: the runner as its own process, on free ports, with a state folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { portsFor } from "./port.ts";

export const root = join(import.meta.dirname, "../..");
const folders = ["eventing", "knative", "dapr-components"];
const names = [
  "broker",
  "console",
  "kafka",
  "notification",
  "recurring-task",
  "audit-log",
  "websocket-gateway",
] as const;
type Name = (typeof names)[number];

export type ManifestEdit = Readonly<Record<string, (text: string) => string>>;

export interface RunnerOptions {
  /** Changes the YAML before the first start: path below the root → new text. A file that is not there is made. */
  readonly edit?: ManifestEdit;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: that of `make start`. */
  readonly entry?: string;
}

export class Runner implements AsyncDisposable {
  readonly ports: Readonly<Record<Name, number>>;
  readonly stateDir: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #root: string;
  readonly #entry: string;
  #child: ChildProcess | undefined;
  output = "";

  private constructor(
    ports: Record<Name, number>,
    folder: string,
    cwd: string,
    { env, entry = "local/main.ts" }: RunnerOptions,
  ) {
    this.ports = ports;
    this.stateDir = join(folder, "state");
    this.#root = cwd;
    this.#entry = entry;
    const variables = names.map((name) => [
      `${name.toUpperCase().replaceAll("-", "_")}_PORT`,
      String(ports[name]),
    ]);
    this.#env = {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      ...Object.fromEntries(variables),
      ...env,
    };
  }

  static async prepare(options: RunnerOptions = {}): Promise<Runner> {
    const { edit = {} } = options;
    const ports = await portsFor(names);
    const folder = mkdtempSync(join(tmpdir(), "task-events-"));
    const manifests = Object.keys(edit).length === 0 ? root : copyManifests(folder, edit);
    return new Runner(ports, folder, manifests, options);
  }

  static async start(options?: RunnerOptions): Promise<Runner> {
    const runner = await Runner.prepare(options);
    try {
      await runner.start();
    } catch (error) {
      await runner[Symbol.asyncDispose]();
      throw error;
    }
    return runner;
  }

  /** Resolves when the table of addresses was printed; rejects with what was said where the runner gave up. */
  async start(): Promise<void> {
    const child = spawn(
      process.execPath,
      // As `make start`.
      [
        "--max-semi-space-size=16",
        join(root, this.#entry),
        "--root",
        this.#root,
        "--state",
        this.stateDir,
      ],
      { cwd: root, env: this.#env, stdio: ["ignore", "pipe", "pipe"] },
    );
    this.#child = child;
    const from = this.output.length;
    const collect = (chunk: Buffer): void => void (this.output += chunk.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        if (!this.output.slice(from).includes(String(this.ports.console))) return;
        // Under load the output grows for long: it is not searched again.
        child.stdout.off("data", look);
        resolve();
      };
      child.stdout.on("data", look);
      child.once("exit", (code) =>
        reject(new Error(`the runner exited with ${code}:\n${this.output.slice(from)}`)),
      );
    });
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  url(name: Name, path = ""): string {
    return `http://localhost:${this.ports[name]}${path}`;
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null)
      return Promise.resolve(null);
    return new Promise((resolve) => {
      child.once("exit", (code) => resolve(code));
      child.kill(signal);
    });
  }

  async json<T>(name: Name, path: string, user = "u1", scope = ""): Promise<T> {
    const token = await this.token(user, scope);
    const response = await fetch(this.url(name, path), {
      headers: { authorization: `Bearer ${token}` },
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  async token(user: string, scope = ""): Promise<string> {
    const response = await fetch(this.url("console", `/api/token?user_id=${user}&scope=${scope}`));
    return ((await response.json()) as { token: string }).token;
  }

  /** Posts a CloudEvent in binary mode to the Broker and gives the status. */
  async post(attributes: Readonly<Record<string, string>>, data: unknown): Promise<number> {
    const headers = Object.entries({ specversion: "1.0", source: "/task-app", ...attributes });
    const response = await fetch(this.url("broker", "/default/task-events"), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...Object.fromEntries(headers.map(([name, value]) => [`ce-${name}`, value])),
      },
      body: typeof data === "string" ? data : JSON.stringify(data),
    });
    return response.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill("SIGTERM");
    rmSync(join(this.stateDir, ".."), { recursive: true, force: true });
  }
}

function copyManifests(folder: string, edit: ManifestEdit): string {
  const copy = join(folder, "root");
  for (const name of folders) cpSync(join(root, name), join(copy, name), { recursive: true });
  for (const [path, change] of Object.entries(edit)) {
    const file = join(copy, path);
    const text = change(existsSync(file) ? readFileSync(file, "utf8") : "");
    // What moved would be changed no more, and nobody would know.
    if (text === "") throw new Error(`${path} is not there to be changed`);
    writeFileSync(file, text);
  }
  return copy;
}
