/** What the app's answer does to a record, under the Resiliency of dapr-components/. */
import { describe, expect, it } from "vitest";
import type { Answer } from "./app.ts";
import type { Pod } from "./pod.ts";

/** Both in one partition; the second waits for the first. */
async function sendTwo(pod: Pod, answer: (attempt: number) => Answer) {
  const partition = pod.ownPartition();
  pod.app.answers.set(partition, (delivered, attempt) =>
    delivered.value.toString() === "first" ? answer(attempt) : 200,
  );
  const place = await pod.send({ partition, value: "first" });
  const next = await pod.send({ partition, value: "next" });
  return { place, next };
}

export function retryTests(getPod: () => Pod): void {
  describe("answers", () => {
    it.each<[string, Answer]>([
      ["204", 204],
      ["200 with a text that is no JSON", "ok"],
      ['{"status":"SUCCESS"}', '{"status":"SUCCESS"}'],
      ['{"status":""}', '{"status":""}'],
      ['{"status":"DROP"}', '{"status":"DROP"}'],
      ["404", 404],
    ])("goes on after %s, and does not repeat", async (_, answer) => {
      const { place, next } = await sendTwo(getPod(), () => answer);
      await getPod().received(next);
      expect(getPod().app.at(place)).toHaveLength(1);
    });

    it.each<[string, Answer]>([
      ["500", 500],
      ["503", 503],
      ["400", 400],
      ["401", 401],
      ["301", 301],
      ['{"status":"RETRY"}', '{"status":"RETRY"}'],
      ['{"status":"WHAT"}', '{"status":"WHAT"}'],
    ])("repeats after %s until it is taken, and what is behind it waits", async (_, answer) => {
      const pod = getPod();
      const { place, next } = await sendTwo(pod, (attempt) => (attempt < 3 ? answer : 200));
      const { at } = await pod.received(next);
      const attempts = pod.app.at(place);
      expect(attempts).toHaveLength(3);
      expect(attempts.every((it) => it.at < at)).toBe(true);
      // Exponential: 500 ms, then 750 ms, each more or less a half.
      const waits = attempts.slice(1).map((it, index) => it.at - (attempts[index]?.at ?? 0));
      for (const wait of waits) expect(wait).toBeGreaterThan(200);
      for (const wait of waits) expect(wait).toBeLessThan(2_500);
    });

    it("repeats where there is no answer for 10 s", { timeout: 40_000 }, async () => {
      const pod = getPod();
      const { place, next } = await sendTwo(pod, (attempt) => (attempt === 1 ? null : 200));
      await pod.received(next, 30_000);
      const [first, second] = pod.app.at(place);
      const waitMs = (second?.at ?? 0) - (first?.at ?? 0);
      expect(waitMs).toBeGreaterThan(9_900);
      expect(waitMs).toBeLessThan(14_000);
    });

    it("holds up no other partition", async () => {
      const pod = getPod();
      const blocked = pod.ownPartition();
      pod.app.answers.set(blocked, () => 500);
      await pod.received(await pod.send({ partition: blocked, value: "1" }));
      const other = await pod.send({ value: "2" });
      const received = pod.received(other).finally(() => pod.app.answers.delete(blocked));
      expect(await received).toMatchObject(other);
    });

    it("loses nothing while the app is away", { timeout: 60_000 }, async () => {
      const pod = getPod();
      await pod.app.close();
      const place = await pod.send({ value: "while away" });
      const next = await pod.send({ value: "next" });
      await pod.app.listen();
      await pod.received(next, 30_000);
      expect(pod.app.at(place).length).toBeGreaterThan(0);
    });
  });
}
