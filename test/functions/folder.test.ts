/** Each function's folder is complete: alone, as func uploads it and the buildpack builds it, it serves. */
import { globSync } from "node:fs";
import { chmod, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrations as auditMigrations } from "../../functions/audit-log/migrations.ts";
import { migrations as notificationMigrations } from "../../functions/notification/migrations.ts";
import { migrations as recurringMigrations } from "../../functions/recurring-task/migrations.ts";
import type { Migrations } from "../../lib/store/migrate.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import {
  buildWithNpm,
  ignoredBy,
  makeFolders,
  runToEnd,
  startFolder,
  upload,
} from "../support/function-folder.ts";
import { startTestDatabase } from "../support/postgres.ts";
import {
  at,
  containersOf,
  isKnativeService,
  listAt,
  readBase,
  ROOT,
  textAt,
} from "../cluster/resource.ts";
import { WsClient } from "./websocket-gateway/fixture/client.ts";
import { tokenOf, World } from "./websocket-gateway/fixture/world.ts";

const names = globSync("functions/*/func.yaml", { cwd: ROOT }).map((file) =>
  basename(dirname(file)),
);

let made: Folder;
/** Of each function, what was uploaded into an empty directory; it is built there. */
const uploaded = new Map<string, string[]>();
const alone = (name: string): string => join(made.path, "alone", name);

beforeAll(async () => {
  made = await makeFolder();
  // Another user shall find the way in.
  await chmod(made.path, 0o755);
  await makeFolders(made.path);
  for (const name of names) {
    uploaded.set(name, await upload(join(made.path, "functions", name), alone(name)));
    await buildWithNpm(alone(name));
  }
});
afterAll(() => made[Symbol.asyncDispose]());

async function startCommand(folder: string): Promise<string> {
  const text = await readFile(join(folder, "package.json"), "utf8");
  return textAt(JSON.parse(text), "scripts", "start") ?? "";
}

describe.each(names)("the folder of %s", (name) => {
  const programs = globSync(`functions/${name}/{index,migrate,schemas,topics,verify}.ts`, {
    cwd: ROOT,
  }).map((entry) => `dist/${basename(entry, ".ts")}.mjs`);

  it("is uploaded with what runs and without the sources", async () => {
    const loadedLate = /^dist\/.+-[\w-]{8}\.mjs$/;
    expect(uploaded.get(name)?.filter((file) => !loadedLate.test(file))).toEqual(
      [
        ".funcignore",
        ...programs,
        "dist/compile-cache.mjs",
        "func.yaml",
        "package.json",
      ].toSorted(),
    );
  });

  it("names what is left behind in words that all of func's readers understand alike", async () => {
    // pack reads .funcignore as Git does; what tells func that dist/ has changed, and --remote, knows no "!", and "*" as everything.
    const patterns = await ignoredBy(join(ROOT, "functions", name));
    expect(patterns.filter((pattern) => !/^(\*\.)?[.\w]+$/.test(pattern))).toEqual([]);
  });

  it("without a bundle is not built, and says in a sentence why", async () => {
    const folder = join(made.path, "unbuilt", name);
    await upload(join(ROOT, "functions", name), folder);
    await rm(join(folder, "dist"), { recursive: true, force: true });
    await expect(buildWithNpm(folder)).rejects.toThrow(
      /^dist\/index\.mjs is missing: run make build first$/m,
    );
  });

  it("has programs that each say in sentences what they are not given, and end with 2", async () => {
    for (const program of programs) {
      const command = `node ${program}`;
      const { code, stderr } = await runToEnd({ folder: alone(name), command, env: {} });
      expect({ program, code }).toEqual({ program, code: 2 });
      expect(stderr).toMatch(/^(?:[A-Z_]+ is not set: .*\.\n|Neither .*\.\n)+$/);
    }
  });
});

const jwt = "a secret of at least thirty-two bytes";
const given: Readonly<Record<string, string>> = {
  JWT_SECRET: jwt,
  SERVICE_TOKEN_KEY: "the key that the gateway and the log share",
  SMTP_URL: "smtp://127.0.0.1:1",
  SMS_URL: "http://account:secret@127.0.0.1:1",
};

function containerOf(name: string): unknown {
  const [container] = readBase()
    .filter(
      (it) => it.metadata.name === name && (isKnativeService(it) || it.kind === "StatefulSet"),
    )
    .flatMap(containersOf);
  if (container === undefined) throw new Error(`no Service ${name}`);
  return container;
}

const askProbes = (name: string, url: string): Promise<number[]> =>
  Promise.all(
    ["readinessProbe", "livenessProbe"].map(async (probe) => {
      const path = String(at(containerOf(name), probe, "httpGet", "path"));
      return (await fetch(`${url}${path}`)).status;
    }),
  );

/** What its Service gives it: values as they are, Secrets from `values`. */
function environmentOf(name: string, values: Readonly<Record<string, string>>) {
  const variables = listAt(containerOf(name), "env");
  return Object.fromEntries(
    variables.map((variable) => {
      const key = String(at(variable, "name"));
      const value = values[key] ?? textAt(variable, "value");
      if (value === undefined) throw new Error(`${name} needs ${key}`);
      return [key, value];
    }),
  );
}

const event = {
  method: "POST",
  headers: {
    "ce-specversion": "1.0",
    "ce-id": "folder-1",
    "ce-source": "/task-app",
    "ce-type": "task.created",
    "content-type": "application/json",
  },
  body: JSON.stringify({
    task_id: "t1",
    user_id: "u1",
    payload: {
      title: "Water the plants",
      recurrence: { rrule: "FREQ=DAILY", dtstart: "2026-03-01T09:00:00", time_zone: "UTC" },
    },
  }),
};

describe("on a file system that nobody writes to, as another user, under the environment of its Service", () => {
  it.each<[string, Migrations, string, unknown]>([
    ["audit-log", auditMigrations, "select id as seen from audit.entry", "folder-1"],
    [
      "notification",
      notificationMigrations,
      "select user_id as seen from notification.notifications",
      "u1",
    ],
    ["recurring-task", recurringMigrations, "select task_id as seen from recurring.series", "t1"],
  ])("%s migrates, is ready, handles an event, and drains", async (name, steps, query, seen) => {
    await using database = await startTestDatabase(steps);
    const folder = alone(name);
    const migrated = await runToEnd({
      folder,
      command: "node dist/migrate.mjs",
      env: { DATABASE_URL: database.ownerUrl },
    });
    expect(migrated).toEqual({ code: 0, stderr: "" });
    const started = await startFolder({
      folder,
      command: await startCommand(folder),
      env: { PORT: "0", ...environmentOf(name, { ...given, DATABASE_URL: database.url }) },
    });
    expect(await askProbes(name, started.url)).toEqual([200, 200]);
    expect((await fetch(started.url, event)).status).toBe(204);
    expect(await ask(database.adminUrl, query)).toContainEqual({ seen });
    expect(await started.stop()).toEqual({ code: 0, stderr: "" });
  });

  it("websocket-gateway is ready, and shows an event of the topic", async () => {
    await using world = await World.start();
    const folder = alone("websocket-gateway");
    let url: string | undefined;
    const sidecar = await world.sidecar("gateway-0", () =>
      url === undefined ? undefined : Number(new URL(url).port),
    );
    const variables = world.variables("gateway-0", sidecar.httpPort);
    const started = await startFolder({
      folder,
      command: await startCommand(folder),
      env: { ...environmentOf("websocket-gateway", variables), ...variables, PORT: "0" },
    });
    url = started.url;
    expect(await askProbes("websocket-gateway", url)).toEqual([200, 200]);
    const client = new WsClient(url, { token: await tokenOf("u1") });
    await client.hello();
    await world.publish([{ id: "folder-1" }]);
    await client.untilIds(["folder-1"]);
    expect((await started.stop()).code).toBe(0);
  });
});

async function ask(url: string, query: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(query)).rows;
  } finally {
    await client.end();
  }
}
