/** One subject a type: what the registry has already is the same again. */
import type { Logger } from "pino";
import { toJsonSchema } from "../../../lib/events/json-schema.ts";
import { taskEventTypes } from "../../../lib/events/task.ts";
import type { Registry } from "./registry.ts";

export interface PublishOptions {
  readonly registry: Registry;
  readonly topic: string;
  readonly log: Logger;
}

/** Events stay on the topic: each version must accept what all others do. */
const compatibility = "FULL_TRANSITIVE";

/** `task-events-task.created`: TopicRecordNameStrategy, as a topic has several types. */
export const subjectOf = (topic: string, type: string): string => `${topic}-${type}`;

export async function publishSchemas({ registry, topic, log }: PublishOptions): Promise<void> {
  for (const eventType of taskEventTypes) {
    const subject = subjectOf(topic, eventType.type);
    await registry.setCompatibility(subject, compatibility);
    const id = await registry.register(subject, toJsonSchema(eventType));
    log.info({ subject, id }, "schema published");
  }
}
