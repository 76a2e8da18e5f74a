/** Handles an event: 204 means that its notifications are in the ledger, not that they were sent. */
import type { TaskData, TriggeredData } from "../../lib/events/task.ts";
import { PermanentError } from "../../lib/host/error.ts";
import type { EventOf, HandlerContext, Outcome } from "../../lib/host/function.ts";
import { toArrival } from "./ledger/arrival.ts";
import { isForgotten } from "./ledger/retention.ts";
import type { Notifier } from "./notifier.ts";

export async function notify(
  event: EventOf<TaskData | TriggeredData>,
  { resources, log, traceparent }: HandlerContext<Notifier>,
): Promise<Outcome> {
  if (isForgotten(event, resources.ledgerDays)) {
    log.warn({ time: event.time }, "an event older than the ledger is not told to anybody");
    return "ignored";
  }
  const recorded = await resources.record(toArrival(event, traceparent));
  if (recorded === "new") return "done";
  if (recorded === "duplicate") return "duplicate";
  resources.metrics.differing.inc();
  log.warn({ position: event.position }, "an event has the source and id of another one");
  throw new PermanentError(
    "duplicate_differs",
    "an event with the same source and id but other content came before",
  );
}
