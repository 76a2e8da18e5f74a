/** The payloads of the requests that the suite sends by itself, as kafkajs' encoder takes them. */
import { vi } from "vitest";
import type { Answer, Wire } from "../../support/kafka-wire.ts";

export interface ProduceOptions {
  readonly partition?: number;
  readonly acks?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly firstSequence?: number;
  readonly timestamp?: number;
  readonly compression?: number;
}

export function producePayload(
  topic: string,
  values: readonly string[],
  options: ProduceOptions = {},
): object {
  const {
    partition = 0,
    acks = -1,
    producerId = -1,
    producerEpoch = 0,
    firstSequence = 0,
    compression = 0,
  } = options;
  const messages = values.map((value) => ({
    key: null,
    value,
    timestamp: options.timestamp ?? Date.now(),
  }));
  const topicData = [{ topic, partitions: [{ partition, firstSequence, messages }] }];
  return { acks, timeout: 5000, compression, producerId, producerEpoch, topicData };
}

/** The answer of the one partition. */
export async function produce(
  wire: Wire,
  topic: string,
  values: readonly string[],
  options?: ProduceOptions,
): Promise<Answer> {
  const answer = await wire.call("produce", 7, producePayload(topic, values, options));
  return answer?.topics[0].partitions[0];
}

export interface FetchOptions {
  readonly partition?: number;
  readonly offset?: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
}

export function fetchPayload(topic: string, options: FetchOptions = {}): object {
  const {
    partition = 0,
    offset = 0,
    maxWaitMs = 0,
    minBytes = 1,
    maxBytes = 10_000_000,
    partitionMaxBytes = 1_000_000,
  } = options;
  const partitions = [{ partition, fetchOffset: offset, maxBytes: partitionMaxBytes }];
  return { maxWaitTime: maxWaitMs, minBytes, maxBytes, topics: [{ topic, partitions }] };
}

/** The answer of the one partition. */
export async function fetch(wire: Wire, topic: string, options?: FetchOptions): Promise<Answer> {
  const answer = await wire.call("fetch", 11, fetchPayload(topic, options));
  return answer.responses[0].partitions[0];
}

export function valuesOf(partition: Answer): string[] {
  return partition.messages.map(({ value }: { value: Buffer }) => value.toString());
}

/** A fresh broker may not be ready for it yet. */
export async function newProducerId(wire: Wire): Promise<number> {
  const answer = await vi.waitFor(async () => {
    const { errorCode, producerId } = await wire.call("initProducerId", 1, {});
    if (errorCode !== 0) throw new Error(`error ${errorCode}`);
    return producerId;
  });
  return Number(answer);
}

/** Each code that stands somewhere in an answer, once. */
export function errorCodes(answer: unknown): number[] {
  const codes = new Set<number>();
  JSON.stringify(answer, (name, value: unknown) => {
    if (/errorCode$/i.test(name)) codes.add(Number(value));
    return typeof value === "bigint" ? String(value) : value;
  });
  return [...codes].toSorted((a, b) => a - b);
}
