/** What `publish` sends: CloudEvents from flags, from a file, or from standard input. */
import { readFileSync } from "node:fs";
import { CloudEvent } from "cloudevents";
import { UsageError } from "../lib/host/error.ts";

/** An event and where a person finds it: "line 3: ", or nothing for the one of the flags. */
export interface Envelope {
  readonly event: CloudEvent<unknown>;
  readonly place: string;
}

export interface InputOptions {
  readonly file?: string;
  readonly data?: string;
  readonly type?: string;
  readonly id?: string;
  readonly source: string;
  readonly subject?: string;
  readonly time?: string;
  readonly dataschema?: string;
  readonly partitionkey?: string;
  readonly extension: Readonly<Record<string, string>>;
  /** True where nothing is piped in. */
  readonly isTerminal: boolean;
}

export async function readEvents(options: InputOptions): Promise<Envelope[]> {
  const fromStdin =
    options.file === "-" ||
    (options.file === undefined && options.data === undefined && !options.isTerminal);
  if (fromStdin) return parseLines(await readStdin(), options);
  if (options.file !== undefined) return parseLines(readText(options.file), options);
  if (options.data === undefined) {
    throw new UsageError("nothing to publish: give --data, --file, or lines on standard input.");
  }
  return [{ event: toEvent(parseObject(options.data, "--data"), options, ""), place: "" }];
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`--file ${path} cannot be read.`, { cause });
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString("utf8");
}

function parseLines(text: string, options: InputOptions): Envelope[] {
  if (options.id !== undefined)
    throw new UsageError("--id names one event; lines bring their own ids.");
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const place = `line ${index + 1}: `;
    return [{ event: toEvent(parseObject(line, place.trim()), options, place), place }];
  });
}

function parseObject(text: string, place: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
  } catch {
    // Falls through to the sentence: whichever way it is no JSON object.
  }
  throw new UsageError(`${place} is not a JSON object.`);
}

/** A line that names its specversion is a whole CloudEvent; anything else is the data of one. */
function toEvent(
  object: Record<string, unknown>,
  options: InputOptions,
  place: string,
): CloudEvent<unknown> {
  const isWhole = typeof object["specversion"] === "string";
  const data = isWhole ? object["data"] : object;
  const taskId = taskIdOf(data);
  const { type, id, source, subject, time, dataschema, partitionkey, extension } = options;
  const attributes = {
    source,
    time: time ?? new Date().toISOString(),
    datacontenttype: "application/json",
    ...defined({
      type,
      id,
      dataschema,
      subject: subject ?? taskId,
      partitionkey: partitionkey ?? taskId,
    }),
    ...extension,
    ...(isWhole ? object : { data }),
  };
  if (!("type" in attributes))
    throw new UsageError(`${place}--type is missing, such as task.created.`);
  try {
    const event = new CloudEvent<unknown>(
      attributes as ConstructorParameters<typeof CloudEvent>[0],
    );
    event.validate();
    return event;
  } catch (cause) {
    throw new UsageError(
      `${place}not a CloudEvent: ${cause instanceof Error ? cause.message : ""}`,
      { cause },
    );
  }
}

function taskIdOf(data: unknown): string | undefined {
  if (typeof data !== "object" || data === null || !("task_id" in data)) return undefined;
  return typeof data.task_id === "string" ? data.task_id : undefined;
}

const defined = (values: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
