/** What a test on real servers finds: where each part is, and the Kafka of the run. */
import { inject } from "vitest";
import type { PartName } from "../../local/real/part.ts";

export const realParts = inject("realParts");

/** `host:port` of the run's Kafka, which all tests share; empty where there is none. */
export const realKafka = inject("realKafka");

/** For `describe.skipIf`; which part is missing was said when the run began. */
export const lacks = (...needs: readonly PartName[]): boolean =>
  needs.some((part) => (part === "kafka" ? realKafka === "" : realParts[part].path === undefined));
