/** The steps of the schema `audit`, oldest first. */
import type { Migrations } from "../../lib/store/migrate.ts";
import { entry } from "./migration/0001-entry.ts";
import { entryId } from "./migration/0002-entry-id.ts";
import { topicEnd } from "./migration/0003-topic-end.ts";
import { backlog } from "./migration/0004-backlog.ts";
import { recordEntries } from "./migration/0005-record-entries.ts";

export const migrations: Migrations = {
  schema: "audit",
  steps: {
    "0001-entry": entry,
    "0002-entry-id": entryId,
    "0003-topic-end": topicEnd,
    "0004-backlog": backlog,
    "0005-record-entries": recordEntries,
  },
};
