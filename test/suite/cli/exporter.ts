/** What `task-events exporter` tells of Kafka, against a broker. */
import { describe, expect, it } from "vitest";
import { kafkaSource } from "../../../cli/exporter/kafka-source.ts";
import type { Figure } from "../../../cli/exporter/source.ts";
import { createTopics } from "../../../lib/kafka/create-topics.ts";
import { makeTopic } from "./operator.ts";

const valueOf = (
  figures: readonly Figure[],
  name: string,
  labels: Record<string, string>,
): number | undefined =>
  figures
    .find((figure) => figure.name === name)
    ?.values.find(([found]) => JSON.stringify(found) === JSON.stringify(labels))?.[1];

export function exporterTests(getBroker: () => string): void {
  describe("the exporter", { timeout: 60_000 }, () => {
    const sourceOf = (topic: string, deadLetterTopic: string, brokers = getBroker()) =>
      kafkaSource({ kafka: { brokers }, topic, deadLetterTopic });

    it("tells a group's lag a partition, in records and since when, and leaves no group behind", async () => {
      const { topic, admin, commit, produce } = await makeTopic(getBroker(), "exporter", 2);
      const now = Date.now();
      await produce([
        { partition: 0, value: "a", atMs: now - 400_000 },
        { partition: 0, value: "b", atMs: now - 300_000 },
        { partition: 0, value: "c", atMs: now },
        { partition: 1, value: "d", atMs: now - 400_000 },
      ]);
      await commit("audit-log", [1, 1]);
      await commit("websocket-gateway-3", [1, 1]);
      await commit("somebody-else", [1, 1]);
      const groups = async () => (await admin.listGroups()).groups.map((it) => it.groupId).sort();
      const before = await groups();

      const figures = await sourceOf(topic, "none").read();

      const of = (name: string, partition: string, group = "audit-log") =>
        valueOf(figures, `task_events_consumer_${name}`, { group, partition });
      expect([of("lag_records", "0"), of("lag_records", "1")]).toEqual([2, 0]);
      // Of what was before its start it knows within a factor of two: 240 s, 480 s.
      expect(of("lag_seconds", "0")).toBeGreaterThan(239);
      expect(of("lag_seconds", "0")).toBeLessThan(300);
      expect(of("lag_seconds", "1")).toBe(0);
      expect(of("lag_records", "0", "notification")).toBe(3);
      // A replica that does not run, and whoever is not ours, are no alarm.
      expect(of("lag_records", "0", "websocket-gateway-3")).toBeUndefined();
      expect(of("lag_records", "0", "somebody-else")).toBeUndefined();
      expect(valueOf(figures, "task_events_consumer_members", { group: "audit-log" })).toBe(0);
      expect(valueOf(figures, "task_events_topic_end_offset", { topic, partition: "0" })).toBe(3);
      expect(await groups()).toEqual(before);
    });

    it("counts the dead letters that were never redriven", async () => {
      const { topic, kafka } = await makeTopic(getBroker(), "exporter");
      const letters = await makeTopic(getBroker(), "letters", 2);
      await letters.produce([{ value: "a" }, { value: "b" }, { partition: 1, value: "c" }]);
      const source = sourceOf(topic, letters.topic);
      const waiting = async () =>
        valueOf(await source.read(), "task_events_dead_letters_waiting", {});
      expect(await waiting()).toBe(3);
      const marks = `${letters.topic}-redriven`;
      await createTopics(kafka, [{ topic: marks }]);
      await letters.produce([{ value: "mark" }], marks);
      expect(await waiting()).toBe(2);
      expect(valueOf(await source.read(), "task_events_dead_letters_written", {})).toBe(3);
    });

    it("tells nothing where there is no topic of dead letters, and fails where there is none of events", async () => {
      const { topic } = await makeTopic(getBroker(), "exporter");
      const figures = await sourceOf(topic, "none").read();
      expect(figures.map(({ name }) => name)).not.toContain("task_events_dead_letters_waiting");
      await expect(sourceOf("no-such-topic", "none").read()).rejects.toThrow(/no topic no-such/);
    });

    it("says in a sentence which Kafka it cannot reach", async () => {
      const nobody = sourceOf("task-events", "none", "127.0.0.1:1");
      await expect(nobody.read()).rejects.toThrow(/Kafka at 127.0.0.1:1 .*cannot be reached/);
    });
  });
}
