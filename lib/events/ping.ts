/** What a PingSource sends: a hint to look what is due, never the schedule itself. */
import type { EventType } from "./task.ts";

export const ping: EventType = {
  type: "dev.knative.sources.ping",
  summary: "A PingSource woke the function.",
  schema: {},
};
