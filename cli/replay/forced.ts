/** What `--force` means, which is not the same for every function. */
import { createInterface } from "node:readline/promises";
import { fromHttp } from "../../lib/events/http.ts";
import { toStructured } from "../../lib/events/structured.ts";
import { UsageError } from "../../lib/host/error.ts";
import type { Message } from "../function/send.ts";
import type { FunctionName } from "../option.ts";

export interface Force {
  /** Undefined: sent as it is, because the function would not do it again under any name. */
  readonly rename: ((message: Message) => Message) | undefined;
  readonly sentence: string;
}

/** `run` makes the new names of one replay differ from those of another. */
export function toForce(name: FunctionName, run: string): Force {
  switch (name) {
    case "notification":
      return {
        rename: (message) => renamed(message, run),
        sentence: "--force sends every mail and message of this stretch again, to real recipients.",
      };
    case "audit-log":
      return {
        rename: undefined,
        sentence: "--force changes nothing: the audit log has one entry an event, for ever.",
      };
    case "recurring-task":
      throw new UsageError(
        "--force is of no use for recurring-task: a series keeps its newest change and fires no occurrence twice. Leave it out.",
      );
  }
}

/** The inbox knows an event by source and id: under another source it is another one. */
function renamed(message: Message, run: string): Message {
  const { headers, body } = message;
  const result = fromHttp({ headers, body: body ?? Buffer.alloc(0), receivedAt: new Date() });
  const event = "events" in result ? result.events[0] : undefined;
  // What is no event is refused as it is.
  if (event === undefined || event.problem !== null) return message;
  const { traceparent } = headers;
  const json = toStructured({ ...event, source: `${event.source}#replay-${run}` });
  return {
    headers: {
      "content-type": "application/cloudevents+json",
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: Buffer.from(json),
  };
}

/** A person types the function's name; a script says --yes. */
export async function confirm(sentence: string, name: string, isSaid: boolean): Promise<void> {
  if (isSaid) return;
  if (!process.stdin.isTTY) throw new UsageError(`${sentence} Say --yes where you mean it.`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${sentence}\nType ${name} to go on: `);
  terminal.close();
  if (answer.trim() !== name) throw new UsageError("nothing was sent.");
}
