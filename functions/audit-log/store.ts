/** The audit log's connections: one that writes, few that read, so that no question holds up a record. */
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { openStore, type Store } from "../../lib/store/database.ts";
import type { AuditTables } from "./tables.ts";

export interface AuditStore extends AsyncDisposable {
  readonly writer: () => Kysely<AuditTables>;
  readonly reader: Kysely<AuditTables>;
  /** After a failure: the connection may hang or hold an open transaction. */
  readonly renewWriter: () => void;
}

/** A transaction that its client forgot must not hold the end of the log for long. */
const writerSettings = { idle_in_transaction_session_timeout: "10s" };

export function openAuditStore(url: string, log: Logger): AuditStore {
  const open = (
    maxConnections: number,
    statementTimeoutMs: number,
    isPrepared = false,
  ): Store<AuditTables> =>
    openStore({
      url,
      schema: "audit",
      maxConnections,
      statementTimeoutMs,
      settings: writerSettings,
      isPrepared,
      log,
    });
  const openWriter = (): Store<AuditTables> => open(1, 5_000, true);
  const reader = open(3, 20_000);
  let writer = openWriter();
  const close = async (store: Store<AuditTables>): Promise<void> => {
    try {
      await store[Symbol.asyncDispose]();
    } catch (error) {
      log.warn({ err: error }, "a connection did not close");
    }
  };
  return {
    writer: () => writer.db,
    reader: reader.db,
    renewWriter: () => {
      void close(writer);
      writer = openWriter();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([close(writer), close(reader)]);
    },
  };
}
