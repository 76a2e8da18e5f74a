/** `task-events dead-letters list` and `show` against a broker. */
import { describe, expect, it } from "vitest";
import { deadLetter, eventHeaders, makeTopic, run, taskData } from "./operator.ts";

const audit = "http://audit-log.default.svc.cluster.local";
const notification = "http://127.0.0.1:8001";

interface Listed {
  readonly dead_letter: string;
  readonly function: string | null;
  readonly code: number | null;
  readonly reason: string | null;
  readonly id: string | null;
}

export function deadLetterTests(getBroker: () => string): void {
  describe("dead letters", { timeout: 60_000 }, () => {
    const hourMs = 3_600_000;

    /** Of a cluster and of a laptop, refused and unanswered, old and new. */
    async function scene(): Promise<string> {
      const { topic, produce } = await makeTopic(getBroker(), "letters", 2);
      const refused = {
        destination: notification,
        code: 422,
        reason: "data_invalid: data must have user_id",
        error: '{"error":{"code":"data_invalid","message":"data must have user_id"}}',
      };
      const away = { destination: audit, code: 503, error: '{"error":{"message":"away"}}' };
      await produce([
        {
          value: taskData(),
          headers: deadLetter(eventHeaders("old"), [3, 1], { destination: audit }),
          atMs: Date.now() - 5 * hourMs,
        },
        {
          partition: 1,
          value: taskData("\u001b[2Jgone"),
          headers: deadLetter(eventHeaders("bad"), [3, 2], refused),
          atMs: Date.now() - hourMs,
        },
        {
          value: taskData(),
          headers: deadLetter(eventHeaders("late", "task.deleted"), [3, 3], away),
          atMs: Date.now(),
        },
      ]);
      return topic;
    }

    const args = (topic: string, ...more: string[]): string[] => [
      "dead-letters",
      ...more,
      "--kafka",
      getBroker(),
      "--dead-letter-topic",
      topic,
    ];

    async function list(topic: string, ...more: string[]): Promise<Listed[]> {
      const { code, out, err } = await run(args(topic, "list", "--json", ...more));
      expect([code, err]).toEqual([0, ""]);
      return (JSON.parse(out) as { dead_letters: Listed[] }).dead_letters;
    }

    const idsOf = (letters: readonly Listed[]) => letters.map(({ id }) => id);

    it("are listed oldest first, with function, status and reason", async () => {
      expect(await list(await scene())).toMatchObject([
        { dead_letter: "0/0", function: "audit-log", code: null, id: "old" },
        {
          dead_letter: "1/0",
          function: "notification",
          code: 422,
          reason: "data_invalid: data must have user_id",
          id: "bad",
          position: { partition: 3, offset: 2 },
        },
        { dead_letter: "0/1", function: "audit-log", code: 503, reason: "away", id: "late" },
      ]);
    });

    it("are chosen by function, type, reason, age and id", async () => {
      const topic = await scene();
      const chosen = async (...filter: string[]) => idsOf(await list(topic, ...filter));
      expect(await chosen("--function", "audit-log")).toEqual(["old", "late"]);
      expect(await chosen("--type", "task.deleted")).toEqual(["late"]);
      expect(await chosen("--reason", "DATA_INVALID")).toEqual(["bad"]);
      expect(await chosen("--reason", "503")).toEqual(["late"]);
      expect(await chosen("--since", "2h")).toEqual(["bad", "late"]);
      expect(await chosen("--since", "2h", "--until", "30m")).toEqual(["bad"]);
      expect(await chosen("--id", "old")).toEqual(["old"]);
      expect(await chosen("--limit", "1")).toEqual(["late"]);
    });

    it("are shown with attributes, answer and data, and what is hostile does not reach the terminal", async () => {
      const topic = await scene();
      const { out, code } = await run(args(topic, "show", "bad"));
      expect(code).toBe(0);
      expect(out).toMatch(/^dead letter +1\/0$/m);
      expect(out).toMatch(/^ce-id +bad$/m);
      expect(out).toMatch(/^record +3\/2 of the topic$/m);
      expect(out).toContain('"message":"data must have user_id"');
      expect(out).toContain("gone");
      expect(out).not.toContain("\u001b");
      const byPlace = await run(args(topic, "show", "0/1", "--json"));
      expect(JSON.parse(byPlace.out)).toMatchObject({
        dead_letters: [{ id: "late", data: { task_id: "t1" } }],
      });
    });

    it("that are not there are a sentence, as is a wrong option", async () => {
      const topic = await scene();
      const nobody = await run(args(topic, "show", "nobody"));
      expect([nobody.code, nobody.out]).toEqual([2, ""]);
      expect(nobody.err).toMatch(/^task-events: There is no dead letter at place nobody/);
      const when = await run(args(topic, "list", "--since", "yesterday"));
      expect(when.code).toBe(2);
      expect(when.err).toMatch(/^task-events: --since yesterday: write a time such as/);
    });
  });
}
