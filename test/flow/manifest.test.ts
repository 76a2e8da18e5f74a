/** The YAML is what runs: what is changed in it changes what the laptop does, and a mistake in it stops the start. */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openKafka } from "../../lib/kafka/client.ts";
import { pidsOf, takePostgresAway } from "../support/chaos.ts";
import {
  deadLetters,
  deliveriesOf,
  entriesOf,
  publish,
  settled,
  until,
  waitsOf,
} from "../support/look.ts";
import { Runner } from "../support/runner.ts";

/** Replaces what must be there. */
const replace =
  (...pairs: readonly (readonly [string | RegExp, string])[]) =>
  (text: string): string =>
    pairs.reduce((before, [from, to]) => {
      const after = before.replace(from, to);
      if (after === before) throw new Error(`there is no ${String(from)}`);
      return after;
    }, text);

const KOLKATA_MS = (5 * 60 + 30) * 60_000;

/** The next full minute that is not too near, as the clock on a wall in Kolkata shows it. */
function soonInKolkata(): { at: Date; schedule: string } {
  const at = new Date(Math.ceil((Date.now() + 35_000) / 60_000) * 60_000);
  const [hour, minute] = new Date(at.getTime() + KOLKATA_MS).toISOString().slice(11, 16).split(":");
  return { at, schedule: `"${Number(minute)} ${Number(hour)} * * *"` };
}

describe("what the YAML says otherwise", () => {
  const ping = soonInKolkata();
  let runner: Runner;

  beforeAll(async () => {
    runner = await Runner.start({
      edit: {
        "eventing/kafka-source-notification.yaml": replace(
          ["retry: 7", "retry: 2"],
          ["exponential", "linear"],
          ["PT0.5S", "PT0.6S"],
        ),
        "eventing/kafka-source-audit-log.yaml": replace(
          ["unordered", "ordered"],
          ["retry: 7", "retry: 1"],
        ),
        "eventing/kafka-source-recurring-task.yaml": replace(
          ["ordering: ordered", "ordering: unordered"],
          ["retry: 7", "retry: 3"],
          ["PT0.5S", "PT0.25S"],
        ),
        "eventing/ping-source-notification.yaml": replace(
          [/schedule: .*/, `schedule: ${ping.schedule}`],
          ["Etc/UTC", "Asia/Kolkata"],
        ),
        "eventing/ping-source-recurring-task.yaml": replace(['"* * * * *"', '"0 0 1 1 *"']),
        "eventing/config-map-task-events-topics.yaml": replace(['"12"', '"3"']),
        "knative/base/service-notification.yaml": replace(
          ["no-reply@task-events.example", "changed@task-events.example"],
          ["window: 15s", "window: 12s"],
        ),
        "knative/base/service-recurring-task.yaml": replace(['min-scale: "0"', 'min-scale: "1"']),
      },
    });
  });
  afterAll(() => runner[Symbol.asyncDispose]());

  it("min-scale 1 keeps a function running that nobody has called", () => {
    expect(runner.output).not.toContain("recurring-task  204");
    expect(pidsOf(runner, "recurring-task")).toHaveLength(1);
  });

  it("the topics have as many partitions as the ConfigMap says", async () => {
    const brokers = `localhost:${runner.ports.kafka}`;
    const admin = openKafka({ brokers, clientId: "manifest" }).admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: ["task-events"] });
    await admin.disconnect();
    expect(topics[0]?.partitions).toHaveLength(3);
  });

  it("an environment variable reaches the function: the mail's sender", async () => {
    await publish(runner, [{ id: "sender", type: "task.created" }]);
    await until(async () => {
      const { messages } = await runner.json<{ messages: { from: string }[] }>(
        "console",
        "/api/mail",
      );
      expect(messages.map(({ from }) => from)).toEqual([
        expect.stringContaining("changed@task-events.example"),
      ]);
    });
    for (const name of ["audit-log", "recurring-task"]) await settled(runner, "sender", name);
  });

  it("retry, backoffPolicy, backoffDelay and ordering are those of each KafkaSource", async () => {
    const giveBack = takePostgresAway(runner);
    onTestFinished(giveBack);
    await publish(
      runner,
      ["first", "second"].map((id) => ({ id, type: "task.created" })),
    );
    const expected = {
      notification: [600, 1200],
      "audit-log": [1000],
      "recurring-task": [500, 1000, 2000],
    };
    for (const [name, waits] of Object.entries(expected)) {
      const attempts = await settled(runner, "first", name);
      expect([name, ...attempts.map(({ status }) => status)]).toEqual([
        name,
        ...Array.from({ length: waits.length + 1 }, () => 503),
      ]);
      expect(attempts.at(-1)?.outcome).toBe("dead-letter");
      for (const [index, wait] of waitsOf(attempts).entries()) {
        const due = waits[index] ?? 0;
        expect(wait).toBeGreaterThan(due - 20);
        expect(wait).toBeLessThan(due + 450);
      }
      await settled(runner, "second", name);
    }
    giveBack();

    const beginsOf = async (id: string, name: string): Promise<number[]> =>
      (await deliveriesOf(runner, id, name)).map(({ at }) => Date.parse(at));
    const ordered = [await beginsOf("first", "audit-log"), await beginsOf("second", "audit-log")];
    expect(ordered[1]?.[0]).toBeGreaterThanOrEqual(ordered[0]?.at(-1) ?? Infinity);
    const unordered = [
      await beginsOf("first", "recurring-task"),
      await beginsOf("second", "recurring-task"),
    ];
    expect(unordered[1]?.[0]).toBeLessThan(unordered[0]?.[1] ?? 0);
    const letters = await deadLetters(runner);
    expect(letters.map(({ event, function: name }) => `${event?.id} ${name}`).sort()).toEqual(
      ["first", "second"].flatMap((id) =>
        Object.keys(expected)
          .sort()
          .map((name) => `${id} ${name}`),
      ),
    );
    await until(async () => expect(await entriesOf(runner)).not.toEqual([]));
  });

  it("a function falls asleep after its window, and the PingSource wakes it at its time in its time zone", async () => {
    if (Date.now() < ping.at.getTime() - 20_000) {
      await until(() => expect(pidsOf(runner, "notification")).toEqual([]));
      expect(pidsOf(runner, "recurring-task")).toHaveLength(1);
    }
    const pings = (): string[] =>
      runner.output.split("\n").filter((it) => it.includes("sources.ping"));
    expect(Date.now() < ping.at.getTime() ? pings() : []).toEqual([]);
    await until(() => expect(pings()).toHaveLength(1), 120_000);
    expect(Date.now()).toBeGreaterThanOrEqual(ping.at.getTime());
    expect(pings()[0]).toMatch(/ notification +204 /);
  }, 150_000);
});

const SOURCE = "eventing/kafka-source-audit-log.yaml";
const PING = "eventing/ping-source-notification.yaml";
const SERVICE = "knative/base/service-notification.yaml";

describe("a mistake in the YAML", () => {
  it.each<[string, string, string, string, string]>([
    [
      "an unknown kind",
      "eventing/broker-task-events.yaml",
      "kind: Broker",
      "kind: Brocker",
      "unknown kind Brocker (eventing.knative.dev/v1)",
    ],
    ["an unknown field", SOURCE, "retry:", "retries:", "unknown field spec.delivery.retries"],
    [
      "a dangling sink",
      PING,
      "name: notification\n$",
      "name: notifications\n",
      'no Service "notifications"',
    ],
    [
      "a dangling deadLetterSink",
      SOURCE,
      "name: task-events-dead-letters",
      "name: letters",
      'no KafkaSink "letters"',
    ],
    ["a bad duration", SOURCE, "PT0.5S", "500ms", "must be an ISO 8601 duration"],
    ["a bad cron", PING, "\\*/2 ", "*/99 ", "is no cron schedule"],
    ["a key that no Secret has", SERVICE, "key: url", "key: uri", "database-notification"],
    ["a Secret that nobody provides", SERVICE, "name: smtp", "name: smtps", "smtps"],
    [
      "an address that leads nowhere",
      "knative/base/stateful-set-websocket-gateway.yaml",
      "http://audit-log\\.",
      "http://audit.",
      "audit.default.svc.cluster.local",
    ],
  ])(
    "%s: one sentence with file and line, exit code 2, nothing started",
    async (_, file, from, to, sentence) => {
      await using runner = await Runner.prepare({
        edit: { [file]: replace([new RegExp(from), to]) },
      });
      const failure = await runner.start().catch((error: unknown) => error);
      expect(String(failure)).toContain("the runner exited with 2:");
      expect(runner.output).toContain(sentence);
      expect(runner.output).toMatch(
        new RegExp(`^${file.replaceAll(".", "\\.")}:\\d+: [^\\n]+\\n$`),
      );
      expect(existsSync(runner.stateDir)).toBe(false);
    },
  );

  it("is told with all others, before anything is started", async () => {
    await using runner = await Runner.prepare({
      edit: {
        [SOURCE]: replace(["retry:", "retries:"], ["PT15S", "15"]),
        [PING]: replace(["schedule:", "shedule:"]),
      },
    });
    await expect(runner.start()).rejects.toThrow("exited with 2");
    expect(
      runner.output
        .trim()
        .split("\n")
        .map((line) => line.split(":")[0]),
    ).toEqual(expect.arrayContaining([SOURCE, PING]));
    expect(existsSync(runner.stateDir)).toBe(false);
  });
});
