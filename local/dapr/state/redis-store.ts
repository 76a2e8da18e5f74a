/** State in a Redis as daprd keeps it there, so that either finds what the other wrote. */
import { createClient } from "@redis/client";
import type { Note } from "../../process/note/note.ts";
import { DaprError } from "../dapr-error.ts";
import { mismatch, parseEtag, type StateStore, type Stored, type Write } from "./state-store.ts";

const CONNECT_MS = 2_000;
const RECONNECT_MS = 200;
const MAX_RECONNECT_MS = 2_000;

/**
 * A key is a hash: `data`, `version`, and `first-write` where a write asked for that. KEYS[1] the key; ARGV the ETag
 * (0: none), the value, whether the first write wins, and the life time: none, to be ended, or in seconds.
 * Source: components-contrib 1.16.0, state/redis/redis.go; there the life time is a command of its own.
 */
const SET = `
local version = redis.call("HGET", KEYS[1], "version")
local first = redis.call("HGET", KEYS[1], "first-write")
if version and version ~= ARGV[1] and (first or ARGV[1] ~= "0") then return -1 end
redis.call("HSET", KEYS[1], "data", ARGV[2])
if ARGV[3] == "first" then redis.call("HSET", KEYS[1], "first-write", 0) end
redis.call("HINCRBY", KEYS[1], "version", 1)
if ARGV[4] == "end" then redis.call("PERSIST", KEYS[1]) end
if tonumber(ARGV[4]) then redis.call("EXPIRE", KEYS[1], ARGV[4]) end
return 1`;

const DELETE = `
local version = redis.call("HGET", KEYS[1], "version")
if version and version ~= ARGV[1] and ARGV[1] ~= "0" then return -1 end
return redis.call("DEL", KEYS[1])`;

export class RedisStore implements StateStore, AsyncDisposable {
  readonly #client: ReturnType<typeof openClient>;

  private constructor(client: ReturnType<typeof openClient>) {
    this.#client = client;
  }

  /** Resolves also where Redis is away: it may come back. */
  static async open(metadata: Readonly<Record<string, string>>, note: Note): Promise<RedisStore> {
    const client = openClient(metadata);
    let isAway = false;
    client.on("error", (error: Error) => {
      if (!isAway) note("redis", `is away: ${error.message}`, "warning");
      isAway = true;
    });
    client.on("ready", () => {
      if (isAway) note("redis", "is back", "warning");
      isAway = false;
    });
    const tried = Promise.withResolvers<void>();
    client.once("ready", tried.resolve).once("error", tried.resolve);
    void client.connect().catch(() => undefined);
    await tried.promise;
    return new RedisStore(client);
  }

  async get(key: string): Promise<Stored | undefined> {
    const { data, version } = await asked("ERR_STATE_GET", this.#client.hGetAll(key));
    if (data === undefined) return undefined;
    return { value: JSON.parse(data), version: version ?? "" };
  }

  async set(write: Write): Promise<void> {
    const { key, value, concurrency, ttlSeconds } = write;
    const life = ttlSeconds === undefined ? "" : ttlSeconds > 0 ? String(ttlSeconds) : "end";
    const wins = concurrency === "first-write" ? "first" : "last";
    const args = [String(parseEtag(write)), JSON.stringify(value), wins, life];
    const options = { keys: [key], arguments: args };
    const done = await asked("ERR_STATE_SAVE", this.#client.eval(SET, options));
    if (done === -1) throw mismatch("ERR_STATE_SAVE", key);
  }

  async delete(key: string, etag?: string): Promise<void> {
    const version = parseEtag(etag === undefined ? {} : { etag });
    const options = { keys: [key], arguments: [String(version)] };
    const done = await asked("ERR_STATE_DELETE", this.#client.eval(DELETE, options));
    if (done === -1) throw mismatch("ERR_STATE_DELETE", key);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }
}

function openClient(metadata: Readonly<Record<string, string>>) {
  const { redisHost = "", redisUsername, redisPassword, redisDB } = metadata;
  const { hostname, port } = new URL(`redis://${redisHost}`);
  const socket = {
    host: hostname,
    port: Number(port || "6379"),
    connectTimeout: CONNECT_MS,
    reconnectStrategy: (tries: number) => Math.min(RECONNECT_MS * 2 ** tries, MAX_RECONNECT_MS),
  };
  return createClient({
    // As daprd does, which checks no certificate of Redis.
    socket: isTrue(metadata["enableTLS"])
      ? { ...socket, tls: true, rejectUnauthorized: false }
      : socket,
    database: Number(redisDB || "0"),
    // Refused at once while there is no connection: who asks repeats it.
    disableOfflineQueue: true,
    ...(redisUsername ? { username: redisUsername } : {}),
    ...(redisPassword ? { password: redisPassword } : {}),
  });
}

const isTrue = (text: string | undefined): boolean => /^(?:true|1|yes|y|on)$/i.test(text ?? "");

async function asked<Answer>(code: string, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DaprError(500, code, `redis does not answer: ${reason}`);
  }
}
