/** Dapr's state API: single values, lists of values, transactions. */
import type { ServerResponse } from "node:http";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { DaprError } from "../dapr-error.ts";
import { readJson, sendJson, type DaprRequest, type Route } from "../route.ts";
import type { StateStore, Stored, Write } from "./state-store.ts";

const Item = Type.Object({
  key: Type.String({ minLength: 1 }),
  value: Type.Optional(Type.Unknown()),
  etag: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  metadata: Type.Optional(Type.Record(Type.String(), Type.String())),
  options: Type.Optional(
    Type.Object({
      concurrency: Type.Optional(
        Type.Union([Type.Literal("first-write"), Type.Literal("last-write"), Type.Literal("")]),
      ),
    }),
  ),
});
const Items = Type.Array(Item);
const BulkGet = Type.Object({ keys: Type.Array(Type.String()) });
const Transaction = Type.Object({
  operations: Type.Array(
    Type.Object({
      operation: Type.Union([Type.Literal("upsert"), Type.Literal("delete")]),
      request: Item,
    }),
  ),
});

const STORE = "/v1\\.0/state/([^/]+)";
const route = (methods: string[], path: string, handle: Route["handle"]): Route => ({
  methods,
  path: new RegExp(`^${path}$`),
  handle,
});

/** Keys are kept as `<app id>||<key>`: `keyPrefix: appid`. */
export function stateRoutes(stores: ReadonlyMap<string, StateStore>, appId: string): Route[] {
  const storeOf = ({ params: [name = ""] }: DaprRequest): StateStore => {
    const store = stores.get(name);
    if (store !== undefined) return store;
    throw new DaprError(400, "ERR_STATE_STORE_NOT_FOUND", `state store ${name} is not found`);
  };
  const inApp = (key: string): string => {
    if (!key.includes("||")) return `${appId}||${key}`;
    throw new DaprError(400, "ERR_MALFORMED_REQUEST", `the key '${key}' can't contain '||'`);
  };
  const toWrite = (item: Type.Static<typeof Item>): Write => ({
    key: inApp(item.key),
    value: item.value ?? null,
    ...(item.etag ? { etag: item.etag } : {}),
    ...(item.options?.concurrency ? { concurrency: item.options.concurrency } : {}),
    ...ttlOf(item.metadata ?? {}),
  });
  return [
    route(["POST"], `${STORE}/bulk`, async (request) => {
      const { keys } = parse(BulkGet, await readJson(request.req));
      const store = storeOf(request);
      return Promise.all(keys.map((key) => bulkItem(key, () => store.get(inApp(key)))));
    }),
    route(["POST", "PUT"], `${STORE}/transaction`, async (request) => {
      const { operations } = parse(Transaction, await readJson(request.req));
      // In order, not all or none: the runner's store has no more than its users ask for.
      for (const { operation, request: item } of operations) {
        if (operation === "upsert") await storeOf(request).set(toWrite(item));
        else await storeOf(request).delete(inApp(item.key), item.etag ?? undefined);
      }
    }),
    route(["POST", "PUT"], STORE, async (request) => {
      const items = parse(Items, await readJson(request.req));
      await Promise.all(items.map((item) => storeOf(request).set(toWrite(item))));
    }),
    route(["GET"], `${STORE}/([^/]+)`, async (request) => {
      const stored = await storeOf(request).get(inApp(request.params[1] ?? ""));
      return stored === undefined ? undefined : sendStored(request.res, stored);
    }),
    route(["DELETE"], `${STORE}/([^/]+)`, async (request) => {
      const etag = request.req.headers["if-match"]?.replaceAll('"', "");
      await storeOf(request).delete(inApp(request.params[1] ?? ""), etag);
    }),
  ];
}

/** One that cannot be read does not spoil the answer for the others. */
async function bulkItem(key: string, read: () => Promise<Stored | undefined>): Promise<object> {
  try {
    const stored = await read();
    return stored ? { key, data: stored.value, etag: stored.version } : { key };
  } catch (error) {
    return { key, error: error instanceof Error ? error.message : String(error) };
  }
}

function sendStored(res: ServerResponse, stored: Stored): null {
  res.setHeader("ETag", stored.version);
  sendJson(res, 200, JSON.stringify(stored.value));
  return null;
}

function ttlOf({ ttlInSeconds }: Record<string, string>): { ttlSeconds?: number } {
  if (ttlInSeconds === undefined) return {};
  if (/^-?\d+$/.test(ttlInSeconds)) return { ttlSeconds: Number(ttlInSeconds) };
  const sentence = `error parsing metadata ttlInSeconds: ${ttlInSeconds} is no number`;
  throw new DaprError(400, "ERR_STATE_SAVE", sentence);
}

function parse<Schema extends Type.TSchema>(schema: Schema, body: unknown): Type.Static<Schema> {
  if (Value.Check(schema, body)) return body;
  const [first] = Value.Errors(schema, body);
  const where = first === undefined ? "" : `${first.instancePath || "the body"} ${first.message}`;
  throw new DaprError(400, "ERR_MALFORMED_REQUEST", where);
}
