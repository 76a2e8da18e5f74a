/** Which consumer groups have committed past a record. */
import { readGroups } from "../topic/group.ts";
import type { KafkaSession } from "../topic/session.ts";

export async function readPassed(
  session: KafkaSession,
  topic: string,
  { partition, offset }: { readonly partition: number; readonly offset: number },
): Promise<Record<string, boolean>> {
  const groups = await readGroups(session, topic);
  return Object.fromEntries(
    groups
      .filter(({ isAway }) => !isAway)
      .map(({ name, committed }) => [name, (committed.get(partition) ?? 0) > offset]),
  );
}
