/** `task-events lag` against a broker. */
import { describe, expect, it } from "vitest";
import { makeTopic, run } from "./operator.ts";

interface Group {
  readonly group: string;
  readonly state: string;
  readonly members: number;
  readonly records: number;
  readonly seconds: number | null;
  readonly partitions: readonly { readonly committed: number | null; readonly records: number }[];
}

export function lagTests(getBroker: () => string): void {
  describe("lag", { timeout: 60_000 }, () => {
    async function lagOf(topic: string, ...more: string[]): Promise<Group[]> {
      const args = ["lag", "--kafka", getBroker(), "--topic", topic, "--json", ...more];
      const { code, out, err } = await run(args);
      expect([code, err]).toEqual([0, ""]);
      return (JSON.parse(out) as { groups: Group[] }).groups;
    }

    async function scene(group: string) {
      const { topic, commit, produce } = await makeTopic(getBroker(), "lag", 2);
      const now = Date.now();
      await produce([
        { partition: 0, value: "a", atMs: now - 300_000 },
        { partition: 0, value: "b", atMs: now - 200_000 },
        { partition: 0, value: "c", atMs: now - 100_000 },
        { partition: 1, value: "d", atMs: now - 400_000 },
      ]);
      await commit(group, [1, 1]);
      return topic;
    }

    it("is the number of records that a group has not committed, and the age of the first of them", async () => {
      const topic = await scene("lag-test");
      const [group] = (await lagOf(topic)).filter((it) => it.group === "lag-test");
      expect(group).toMatchObject({ records: 2, members: 0 });
      expect(group?.seconds).toBeGreaterThan(199);
      expect(group?.seconds).toBeLessThan(260);
      expect(group?.partitions).toMatchObject([
        { committed: 1, records: 2 },
        { committed: 1, records: 0, seconds: null },
      ]);
    });

    it("of a function that has committed nothing yet is the whole topic", async () => {
      const topic = await scene("lag-test-2");
      const groups = await lagOf(topic);
      for (const name of ["audit-log", "notification", "recurring-task"]) {
        const [group] = groups.filter((it) => it.group === name);
        expect(group).toMatchObject({ records: 4 });
        expect(group?.seconds).toBeGreaterThan(399);
      }
    });

    it("leaves out gateway replicas that do not run now", async () => {
      const topic = await scene("websocket-gateway-7");
      expect((await lagOf(topic)).map(({ group }) => group)).not.toContain("websocket-gateway-7");
      expect((await lagOf(topic, "--all")).map(({ group }) => group)).toContain(
        "websocket-gateway-7",
      );
    });

    it("is a table for a person, without colours where it is piped", async () => {
      const topic = await scene("lag-test-3");
      const args = ["lag", "--kafka", getBroker(), "--topic", topic, "--group", "lag-test-3"];
      const { out } = await run([...args, "--partitions"]);
      expect(out.split("\n").map((line) => line.trim().split(/ {2,}/))).toEqual([
        ["GROUP", "PARTITION", "COMMITTED", "END", "RECORDS", "BEHIND"],
        ["lag-test-3", "0", "1", "3", "2", expect.stringMatching(/^3 min/)],
        ["lag-test-3", "1", "1", "1", "0", "-"],
        [""],
      ]);
    });

    it("leaves no consumer group behind", async () => {
      const topic = await scene("lag-test-4");
      await lagOf(topic);
      const { admin } = await makeTopic(getBroker(), "look");
      const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
      expect(groups.filter((id) => id.startsWith("task-events-cli-"))).toEqual([]);
    });

    it("of a topic that is not there is a sentence and exit code 2", async () => {
      const ended = await run(["lag", "--kafka", getBroker(), "--topic", "no-such-topic"]);
      expect(ended).toEqual({
        code: 2,
        out: "",
        err: `task-events: There is no topic no-such-topic at ${getBroker()}.\n`,
      });
    });
  });
}
