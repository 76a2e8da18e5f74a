/** Where a dead letter is redriven to: a function, by POST, or the topic of the events. */
import type { Producer } from "kafkajs";
import type { KafkaSession } from "../topic/session.ts";
import { type FunctionName, type FunctionOptions, urlOf } from "../option.ts";
import { send, type Sent } from "../function/send.ts";
import type { Letter } from "./letter.ts";
import { toTopicRecord } from "./topic-record.ts";

export interface TargetOptions {
  readonly toFunction?: FunctionName;
  readonly toTopic?: boolean;
  readonly topic: string;
}

/** A function's name or the topic's; undefined where the letter does not say which function it was for. */
export function targetOf(letter: Letter, options: TargetOptions): string | undefined {
  if (options.toTopic === true) return options.topic;
  return options.toFunction ?? letter.functionName ?? undefined;
}

/** `to` as `targetOf` gave it. */
export interface Redriver extends AsyncDisposable {
  readonly redrive: (letter: Letter, to: string, signal: AbortSignal) => Promise<Sent>;
}

export async function openRedriver(
  session: KafkaSession,
  options: TargetOptions & FunctionOptions,
): Promise<Redriver> {
  if (options.toTopic !== true) {
    return {
      redrive: (letter, to, signal) =>
        send(urlOf(options, to as FunctionName), letter.delivery, signal),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const producer = session.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  return {
    redrive: (letter) => putBack(producer, letter, options.topic),
    [Symbol.asyncDispose]: () => producer.disconnect(),
  };
}

async function putBack(producer: Producer, letter: Letter, topic: string): Promise<Sent> {
  const record = toTopicRecord(letter, topic);
  if (typeof record === "string") return { outcome: "refused", why: record };
  try {
    await producer.send({ topic, acks: -1, messages: [record] });
    return { outcome: "done" };
  } catch (error) {
    return { outcome: "unavailable", why: error instanceof Error ? error.message : String(error) };
  }
}
