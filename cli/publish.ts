/** `task-events publish`: one event from flags, or many from a file or standard input, to the Broker. */
import { SingleBar } from "cli-progress";
import { HTTP } from "cloudevents";
import { Command } from "commander";
import pLimit from "p-limit";
import { UsageError } from "../lib/host/error.ts";
import { type Envelope, type InputOptions, readEvents } from "./input.ts";

interface PublishOptions extends Omit<InputOptions, "isTerminal"> {
  readonly broker: string;
  readonly concurrency: string;
}

const localBroker = "http://localhost:8080/default/task-events";

export const publishCommand = (): Command =>
  new Command("publish")
    .description(
      "publish one event from flags, or one a line (NDJSON) from --file or standard input",
    )
    .option(
      "--broker <url>",
      "the Broker's ingress (BROKER_URL)",
      process.env["BROKER_URL"] ?? localBroker,
    )
    .option("--type <type>", "CloudEvents type, such as task.created")
    .option("--data <json>", "the data: task_id, user_id, payload")
    .option("--file <path>", "NDJSON: a CloudEvent or the data of one a line; - is standard input")
    .option("--id <id>", "id (default: a random one)")
    .option("--source <uri>", "source", "/task-events-cli")
    .option("--subject <text>", "subject (default: data.task_id)")
    .option("--time <rfc3339>", "time (default: now)")
    .option("--dataschema <uri>", "dataschema")
    .option("--partitionkey <key>", "what keeps events in order (default: data.task_id)")
    .option("--extension <name=value>", "an extension attribute; may be repeated", toExtension, {})
    .option("--concurrency <n>", "requests at once", "32")
    .addHelpText(
      "after",
      '\nExample: task-events publish --type task.created --data \'{"task_id":"t1","user_id":"u1","payload":{"title":"Buy milk"}}\'',
    )
    .action(publish);

function toExtension(pair: string, previous: Record<string, string>): Record<string, string> {
  const [name = "", value] = pair.split(/=(.*)/s, 2);
  if (!/^[a-z0-9]{1,20}$/.test(name) || value === undefined) {
    throw new UsageError(`--extension ${pair}: write name=value, the name in a-z and 0-9.`);
  }
  return { ...previous, [name]: value };
}

async function publish(options: PublishOptions): Promise<void> {
  const concurrency = Number(options.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1000) {
    throw new UsageError("--concurrency must be a whole number from 1 to 1000.");
  }
  if (!URL.canParse(options.broker))
    throw new UsageError(`--broker ${options.broker} is not a URL.`);
  const events = await readEvents({ ...options, isTerminal: process.stdin.isTTY });
  const only = events.length === 1 ? events[0] : undefined;
  const failures = await publishAll(events, options.broker, concurrency);
  for (const failure of failures.slice(0, 20)) process.stderr.write(`${failure}\n`);
  if (failures.length > 20) process.stderr.write(`… and ${failures.length - 20} more\n`);
  const published = events.length - failures.length;
  if (only === undefined) console.log(`${published} published, ${failures.length} failed`);
  else if (failures.length === 0) console.log(`${only.event.type} ${only.event.id} published`);
  if (failures.length > 0) process.exitCode = 1;
}

async function publishAll(
  events: readonly Envelope[],
  broker: string,
  concurrency: number,
): Promise<string[]> {
  const limit = pLimit(concurrency);
  const bar = new SingleBar({
    format: "{bar} {percentage}% {value}/{total} {eta}s left",
    noTTYOutput: false,
  });
  if (events.length > 1 && process.stderr.isTTY) bar.start(events.length, 0);
  const failures = await Promise.all(
    events.map((envelope) =>
      limit(async () => {
        const failure = await post(envelope, broker);
        bar.increment();
        return failure === undefined ? [] : [`${envelope.place}${envelope.event.id}: ${failure}`];
      }),
    ),
  );
  bar.stop();
  return failures.flat();
}

const waitsMs = [200, 500, 1000, 2000];

/** Undefined where stored. 503 and a refused connection are tried again: the id stays, so nothing happens twice. */
async function post({ event }: Envelope, broker: string): Promise<string | undefined> {
  const { headers, body } = HTTP.structured(event);
  for (let attempt = 0; ; attempt++) {
    const failure = await attemptPost(broker, headers as Record<string, string>, String(body));
    const waitMs = waitsMs[attempt];
    if (failure === undefined || !failure.isPassing || waitMs === undefined) return failure?.reason;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function attemptPost(broker: string, headers: Record<string, string>, body: string) {
  try {
    const response = await fetch(broker, { method: "POST", headers, body });
    await response.arrayBuffer();
    if (response.status < 300) return undefined;
    return { reason: `the Broker answered ${response.status}`, isPassing: response.status >= 500 };
  } catch (error) {
    const cause =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    return {
      reason: `${broker} does not answer (${cause}); is make start running?`,
      isPassing: true,
    };
  }
}
