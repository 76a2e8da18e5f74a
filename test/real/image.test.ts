/** What the Dockerfile makes of a clean checkout: its steps are run, with packages from their registry. */
import { execFile } from "node:child_process";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Folder, makeFolder } from "../support/folder.ts";
import { makeFolders, runToEnd, startFolder } from "../support/function-folder.ts";
import { type Image, ImageBuilder } from "../support/image.ts";

const MINUTES = 60_000;

let folder: Folder;
let builder: ImageBuilder;
/** Of audit-log. The others are made from the stage that took most of the time. */
let image: Image;
beforeAll(async () => {
  folder = await makeFolder();
  // The image's user shall find the way in.
  await chmod(folder.path, 0o755);
  builder = new ImageBuilder(folder.path);
  image = await build("audit-log");
}, 10 * MINUTES);
afterAll(() => folder[Symbol.asyncDispose]());

const build = (name: string): Promise<Image> =>
  builder.build({ FUNCTION: name, VERSION: "1.2.3", REVISION: "abc" });

/** A container of it, on a file system that nobody writes to. */
async function containerOf(image: Image, env: Readonly<Record<string, string>>, command?: string) {
  await builder.enter(image);
  return {
    folder: image.folder,
    command: command ?? image.entrypoint.join(" "),
    env: { ...image.env, ...env },
    user: image.user,
  };
}

const url = "postgres://audit:password@127.0.0.1:1/task_events";
const variables = {
  PORT: "0",
  DATABASE_URL: url,
  KAFKA_TOPIC: "task-events",
  JWT_SECRET: "a secret of at least thirty-two bytes",
  SERVICE_TOKEN_KEY: "the key that the gateway and the log share",
};

it("makes a function that finds compiled what V8 compiled at the build", async () => {
  // The permission model would leave the cache alone: it wants to write there. The folder itself is closed, in its place.
  const debug = { NODE_DEBUG_NATIVE: "COMPILE_CACHE", NODE_OPTIONS: "" };
  const container = await containerOf(image, { ...variables, ...debug });
  await promisify(execFile)("chmod", ["-R", "a-w", image.folder]);
  const started = await startFolder(container);
  expect((await fetch(`${started.url}/health/liveness`)).status).toBe(200);
  const { code, stderr } = await started.stop();
  expect(code).toBe(0);
  const bundle = join(image.folder, "dist/index.mjs");
  expect(stderr).toMatch(new RegExp(`code cache for ESM file://${bundle} was accepted`));
});

it("says what it is", () => {
  expect(image.labels).toMatchObject({
    "org.opencontainers.image.title": "audit-log",
    "org.opencontainers.image.version": "1.2.3",
    "org.opencontainers.image.revision": "abc",
  });
});

it("has the programs of its Jobs beside it, where their command looks for them", async () => {
  for (const program of ["migrate", "schemas", "topics", "verify"]) {
    const ended = await runToEnd(await containerOf(image, {}, `node dist/${program}.mjs`));
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining("is not set: ") });
  }
});

it("has the very bundle of make build", async () => {
  await builder.enter(image);
  const made = join(folder.path, "made");
  await makeFolders(made);
  expect(await readFile(join(image.folder, "dist/index.mjs"))).toEqual(
    await readFile(join(made, "functions/audit-log/dist/index.mjs")),
  );
});

it("makes the operator's command, too", async () => {
  const cli = await build("cli");
  const program = cli.entrypoint.join(" ");
  const helped = await runToEnd(await containerOf(cli, {}, `${program} --help`));
  expect(helped).toEqual({ code: 0, stderr: "" });
  const away = { KAFKA_BROKER: "127.0.0.1:1" };
  const lag = await runToEnd(await containerOf(cli, away, `${program} lag`));
  expect(lag).toMatchObject({ code: 2, stderr: expect.stringMatching(/^task-events: Kafka /) });
});

it.each(["mail", ""])("says that FUNCTION=%s is none", async (name) => {
  await expect(build(name)).rejects.toThrow(
    `FUNCTION=${name} is neither a folder of functions/ nor cli.`,
  );
});
