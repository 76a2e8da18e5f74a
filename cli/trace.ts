/** `task-events trace`: the path of one event, from its record to everything that came of it. */
import { Command } from "commander";
import { UsageError } from "../lib/host/error.ts";
import { functionAt } from "./function/destination.ts";
import { adminToken } from "./function/management.ts";
import {
  type DeadLetterTopicOptions,
  type FunctionOptions,
  type KafkaOptions,
  type TokenOptions,
  withFunctions,
  withJson,
  withKafka,
  withToken,
} from "./option.ts";
import { clean, printJson } from "./output/table.ts";
import { openSession } from "./topic/session.ts";
import { askFunctions, type Verdicts } from "./trace/ask.ts";
import { findPlaces, type Places } from "./trace/place.ts";
import { toPath } from "./trace/path.ts";
import { findRecords } from "./trace/search.ts";

interface TraceOptions extends KafkaOptions, TokenOptions, FunctionOptions, DeadLetterTopicOptions {
  readonly source?: string;
  readonly since: string;
  readonly json?: boolean;
}

export const traceCommand = (): Command =>
  withJson(
    withToken(withFunctions(withKafka(new Command("trace"))))
      .argument("<event id>", "the CloudEvent's id")
      .description(
        "Follow one event: its records on the topic, each attempt (of a local run), what each function made of it,\n" +
          "its dead letters, and what it triggered.",
      )
      .option("--source <uri>", "the event's source, where several events have this id")
      .option(
        "--since <when>",
        "how far back the topic is searched for an event that the audit log has not",
        "1d",
      )
      .option(
        "--dead-letter-topic <name>",
        "the topic of the dead letters",
        "task-events-dead-letters",
      ),
  )
    .addHelpText("after", "\nExample: task-events trace 1 --source /task-app")
    .action(trace);

/** All that is told of one event. */
export interface Traced {
  readonly verdicts: Verdicts;
  readonly places: Places;
}

async function trace(id: string, options: TraceOptions): Promise<void> {
  await using session = await openSession(options.kafka);
  const token = await adminToken(options);
  const known = await askFunctions({ ...options, id, token });
  const found = known.length > 0 ? known : await findRecords(session, { ...options, id, token });
  if (found.length === 0) {
    throw new UsageError(
      `No event with id ${clean(id)}${options.source === undefined ? "" : ` of ${clean(options.source)}`}: the audit log has none, and the topic none since ${options.since} (--since).`,
    );
  }
  const traced: Traced[] = [];
  for (const verdicts of found) {
    const places = await findPlaces(session, verdicts, {
      ...options,
      functionAt: functionAt(options),
    });
    traced.push({ verdicts, places });
  }
  if (options.json === true) {
    return printJson({
      events: traced.map(({ verdicts, places }) => ({ ...verdicts, ...places })),
    });
  }
  console.log(traced.map(toPath).join("\n\n"));
}
