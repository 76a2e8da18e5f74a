/** The Job that publishes the schemas, as a process, against a registry on a port. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { publishSchemas } from "../../../../functions/audit-log/schema/publish-schemas.ts";
import { openRegistry } from "../../../../functions/audit-log/schema/registry.ts";
import { toJsonSchema } from "../../../../lib/events/json-schema.ts";
import { taskEventTypes } from "../../../../lib/events/task.ts";
import { RetryableError } from "../../../../lib/host/error.ts";
import { certificate, emptyState, RegistryServer } from "./registry-server.ts";

const entry = join(import.meta.dirname, "../../../../functions/audit-log/schemas.ts");

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (env: Record<string, string>): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { env: { PATH: process.env["PATH"], KAFKA_TOPIC: "task-events", ...env } };
    execFile(process.execPath, [entry], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

const log = pino({ level: "silent" });
const publishTo = (url: string, waitsMs: readonly number[] = []): Promise<void> =>
  publishSchemas({ registry: openRegistry(url, { waitsMs }), topic: "task-events", log });

const subjects = taskEventTypes.map(({ type }) => `task-events-${type}`);

describe("the Job", () => {
  it("says in one line that there is no registry, and ends well", async () => {
    for (const env of [{}, { SCHEMA_REGISTRY_URL: "" }]) {
      const { code, stdout, stderr } = await run(env);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.trim().split("\n")).toEqual([
        expect.stringContaining("SCHEMA_REGISTRY_URL is not set"),
      ]);
    }
  });

  it("publishes each schema under its type, held to FULL_TRANSITIVE", async () => {
    const state = emptyState();
    await using registry = await RegistryServer.start({ state, user: "a user:p@ss/word" });
    const url = registry.urlOf("a%20user:p%40ss%2Fword");
    expect(await run({ SCHEMA_REGISTRY_URL: url })).toMatchObject({ code: 0, stderr: "" });
    expect([...state.versions.keys()]).toEqual(subjects);
    expect(new Set(state.levels.values())).toEqual(new Set(["FULL_TRANSITIVE"]));
    const published = [...state.versions.values()].map(([first]) =>
      JSON.parse(first?.schema ?? ""),
    );
    expect(published).toEqual(
      taskEventTypes.map((it) => JSON.parse(JSON.stringify(toJsonSchema(it)))),
    );
  });

  it("trusts a registry's own CA where it is given, and says so where not", async () => {
    const state = emptyState();
    await using registry = await RegistryServer.start({ state, isSecure: true });
    const env = { SCHEMA_REGISTRY_URL: registry.urlOf("user:secret") };
    const refused = await run(env);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /^The certificate of .* is not trusted .*NODE_EXTRA_CA_CERTS\.\n$/,
    );
    expect(state.versions.size).toBe(0);
    expect(await run({ ...env, NODE_EXTRA_CA_CERTS: certificate })).toMatchObject({ code: 0 });
    expect(state.versions.size).toBe(subjects.length);
  });

  it("ends with a sentence, and without the password, where the user is refused", async () => {
    await using registry = await RegistryServer.start({ user: "user:right" });
    const { code, stderr, stdout } = await run({
      SCHEMA_REGISTRY_URL: registry.urlOf("user:wrong-secret"),
    });
    expect(code).toBe(2);
    expect(stderr).toContain("answered 401: Unauthorized. SCHEMA_REGISTRY_URL needs its user");
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr + stdout).not.toContain("wrong-secret");
    expect(registry.requests).toHaveLength(1);
  });

  it.each([
    ["registry:8081", "SCHEMA_REGISTRY_URL must be a URL that starts with http:// or https://"],
    ["http://user:100%@127.0.0.1:1", "a % in its user or password is written %25"],
  ])("names the mistake in %s", async (url, sentence) => {
    const { code, stderr } = await run({ SCHEMA_REGISTRY_URL: url });
    expect(code).toBe(2);
    expect(stderr).toContain(sentence);
  });
});

describe("publishing", () => {
  it("changes nothing the second time, nor when two do it at once", async () => {
    const state = emptyState();
    await using registry = await RegistryServer.start({ state });
    await Promise.all([publishTo(registry.urlOf()), publishTo(registry.urlOf())]);
    const before = structuredClone(state);
    await publishTo(registry.urlOf());
    expect(state).toEqual(before);
    expect([...state.versions.values()].map((versions) => versions.length)).toEqual([
      1, 1, 1, 1, 1,
    ]);
  });

  it("adds a version where only descriptions have changed", async () => {
    const state = emptyState();
    const [created] = taskEventTypes.map(toJsonSchema);
    const older = JSON.stringify({ ...created, description: "An older one." });
    state.versions.set("task-events-task.created", [{ id: 7, schema: older }]);
    await using registry = await RegistryServer.start({ state });
    await publishTo(registry.urlOf());
    expect(state.versions.get("task-events-task.created")?.map(({ id }) => id)).toEqual([7, 8]);
  });

  it("goes on when the registry comes back, with what it had", async () => {
    const state = emptyState();
    const script = [
      { status: 503 },
      { status: 500, body: { error_code: 50_003, message: "no leader" } },
    ];
    const first = await RegistryServer.start({ state, script });
    const { port } = first;
    await publishTo(first.urlOf(), [1, 1]);
    const ids = structuredClone(state.versions);
    await first[Symbol.asyncDispose]();
    const waiting = publishTo(`http://127.0.0.1:${port}`, Array<number>(50).fill(100));
    await using second = await RegistryServer.start({ state, port });
    await waiting;
    expect(second.requests).toHaveLength(2 * subjects.length);
    expect(state.versions).toEqual(ids);
  });

  it("ends by an error, to be tried again by the Job, where the registry stays away", async () => {
    const registry = await RegistryServer.start();
    const url = registry.urlOf("user:secret");
    await registry[Symbol.asyncDispose]();
    const away = publishTo(url, [1]);
    await expect(away).rejects.toThrow(
      /^The schema registry 127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/,
    );
    // exitWith says it without a stack.
    await expect(away).rejects.toBeInstanceOf(RetryableError);
    await using ill = await RegistryServer.start({
      script: [{ status: 503 }, { status: 503, body: "ill" }],
    });
    await expect(publishTo(ill.urlOf(), [1])).rejects.toThrow(/answered 503\.$/);
    expect(ill.requests).toHaveLength(2);
  });

  it("does not replace a schema that is another", async () => {
    const state = emptyState();
    const other = { $id: "urn:x", type: "object", required: ["id"] };
    state.versions.set("task-events-task.updated", [{ id: 1, schema: JSON.stringify(other) }]);
    await using registry = await RegistryServer.start({ state });
    await expect(publishTo(registry.urlOf(), [1])).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("The subject task-events-task.updated has a version that"),
    });
    expect(state.versions.get("task-events-task.updated")).toHaveLength(1);
  });

  it.each<[string, number, object | string, RegExp]>([
    [
      "a schema that it cannot read",
      422,
      { error_code: 42_201, message: "Invalid schema" },
      /answered 422: Invalid schema\. It does not take the schema of task-events-task\.created/,
    ],
    [
      "a user without the right",
      403,
      { error_code: 40_301, message: "Forbidden" },
      /may not write the subject task-events-task\.created/,
    ],
    [
      "an address that is none",
      404,
      "<html>",
      /answered 404\. There is no \/config\/task-events-task\.created/,
    ],
    ["a redirect", 301, "", /answered 301\. Is it a schema registry\?/],
    [
      "a page in place of an answer",
      200,
      "<html>",
      /is no schema registry: it gave task-events-task\.created no id/,
    ],
  ])("says what to do about %s, and tries once", async (_, status, body, sentence) => {
    const answer = { status, body };
    const script = status === 200 ? [answer, answer] : [answer];
    await using registry = await RegistryServer.start({ script });
    const error = await publishTo(registry.urlOf(), [1, 1]).catch((it: unknown) => it);
    expect(error).toMatchObject({ name: "UsageError", message: expect.stringMatching(sentence) });
    expect(registry.requests).toHaveLength(status === 200 ? 2 : 1);
  });
});
