/** The runner's own connection to the embedded PostgreSQL, as its superuser. */
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";

export interface Superuser {
  port: number;
  password: string;
}

const PROBE_MS = 15;
const START_LIMIT_MS = 60_000;
/** "The database system is starting up": it may be replaying its log. */
const STARTING = new Set(["ECONNREFUSED", "ECONNRESET", "57P03"]);

export async function asSuperuser(
  { port, password }: Superuser,
  database: string,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  const client = new Client({ host: "127.0.0.1", port, user: "postgres", password, database });
  client.on("error", () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Resolves when it answers; rejects where it `hasEnded`, or answers something else than "starting". */
export async function waitUntilReady(superuser: Superuser, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      await asSuperuser(superuser, "postgres", () => Promise.resolve());
      return;
    } catch (error) {
      const starting = STARTING.has((error as { code?: string }).code ?? "");
      if (!starting || hasEnded() || Date.now() > deadline) throw error;
      await delay(PROBE_MS);
    }
  }
}
