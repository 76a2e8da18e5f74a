/** What a container is given is what its program reads: a misspelt variable would be no mistake to Kubernetes. */
import { posix } from "node:path";
import * as audit from "../../../functions/audit-log/env.ts";
import { readNotificationEnv } from "../../../functions/notification/env.ts";
import { readEnv as readRecurringEnv } from "../../../functions/recurring-task/env.ts";
import { readGatewayEnv } from "../../../functions/websocket-gateway/env.ts";
import { readHostEnv } from "../../../lib/host/env.ts";
import type { Environment } from "../../../lib/host/variables.ts";
import { readMigrateEnv } from "../../../lib/store/env.ts";
import { functionOf } from "../../../local/plan/process.ts";
import { at, containersOf, listAt, nameOf, type Resource, textAt } from "../resource.ts";

type Reader = (env: Environment) => unknown;

/** The programs of each function, by the name of their bundle. */
export const PROGRAMS: Readonly<Record<string, Readonly<Record<string, readonly Reader[]>>>> = {
  "audit-log": {
    index: [readHostEnv, audit.readAuditEnv],
    migrate: [readMigrateEnv],
    schemas: [audit.readSchemasEnv],
    topics: [audit.readTopicsEnv],
    verify: [audit.readVerifyEnv],
  },
  notification: { index: [readHostEnv, readNotificationEnv], migrate: [readMigrateEnv] },
  "recurring-task": { index: [readHostEnv, readRecurringEnv], migrate: [readMigrateEnv] },
  "websocket-gateway": { index: [readHostEnv, readGatewayEnv] },
};

/** The names that are asked for. */
export function variablesOf(readers: readonly Reader[]): Set<string> {
  const names = new Set<string>();
  const env = new Proxy<Record<string, undefined>>(
    {},
    { get: (_, name) => void names.add(String(name)) },
  );
  for (const reader of readers) sentencesOf(reader, env);
  return names;
}

/** All mistakes come at once, when everything is read. */
function sentencesOf(reader: Reader, env: Environment): string[] {
  try {
    reader(env);
    return [];
  } catch (error) {
    return (error as Error).message.split("\n");
  }
}

/** Node's own, and what func adds. */
const OTHERS = /^(?:NODE_|TZ$|BUILT$|ADDRESS$)/;

export const checkVariables = (resources: readonly Resource[]): string[] =>
  resources.flatMap((resource) =>
    containersOf(resource).flatMap((container) =>
      mistakesOf(container).map((sentence) => `${nameOf(resource)} ${sentence}`),
    ),
  );

function mistakesOf(container: unknown): string[] {
  const programs = PROGRAMS[functionOf(textAt(container, "image") ?? "")];
  if (programs === undefined) return [];
  const words = listAt(container, "command").map(String);
  const command = words.at(-1) ?? "dist/index.mjs";
  const readers = programs[posix.basename(command, ".mjs")];
  if (readers === undefined) return [`runs ${command}, which is no bundle`];
  const given = listAt(container, "env").map((variable) => String(at(variable, "name")));
  const read = variablesOf(readers);
  // What has a value of no meaning is a mistake of another kind, and not looked at.
  const env = Object.fromEntries(given.map((name) => [name, "1"]));
  return [
    ...given
      .filter((name) => !read.has(name) && !OTHERS.test(name))
      .map((name) => `gives ${name}, which ${command} does not read`),
    ...readers
      .flatMap((reader) => sentencesOf(reader, env))
      .filter((sentence) => / is not set: |^Neither .* is set/.test(sentence))
      .map((sentence) => `does not give what ${command} needs: ${sentence}`),
  ];
}
