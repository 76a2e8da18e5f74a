/** What any Kafka client may write to the topic: each record with a good one right behind it in the same partition. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IHeaders, Producer } from "kafkajs";
import { openKafka } from "../../../lib/kafka/client.ts";
import { produceNullHeader } from "../../support/null-header.ts";
import { type Client, type DeadLetter, type Entry, Scene, slug, task, until } from "./scene.ts";

let scene: Scene;
let client: Client;
beforeAll(async () => {
  scene = await Scene.open({
    edit: {
      // It fills what was dropped, whenever its five minutes are over.
      "knative/base/cron-job-verify.yaml": (text) =>
        text.replace(/schedule: ".*"/, 'schedule: "0 0 1 1 *"'),
    },
  });
  client = await scene.connect("u1");
  await produceAll();
}, 120_000);
afterAll(async () => {
  client.socket.close();
  await scene[Symbol.asyncDispose]();
});

interface Bad {
  readonly key?: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: IHeaders;
  readonly timestamp?: string;
  /** Its code, null for a good event, "dropped" where Knative hands it to nobody. */
  readonly problem: string | null;
  /** Tells the entry from the others where its id is not the case's name. */
  readonly entry?: (entry: Entry) => boolean;
  readonly deadLetters?: number;
  readonly hasNullHeader?: boolean;
}

const json = (value: unknown): string => JSON.stringify(value);
const binary = (id: string, change: IHeaders = {}): IHeaders => ({
  ce_specversion: "1.0",
  ce_id: id,
  ce_source: "/bad",
  ce_type: "task.updated",
  "content-type": "application/json",
  ...change,
});
const plain = (name: string, change: object = {}): string =>
  json({ type: "task.updated", ...task(slug(name)), ...change });
const envelope = (name: string, change: object = {}): string =>
  json({
    specversion: "1.0",
    id: slug(name),
    source: "/bad",
    type: "task.updated",
    data: task(slug(name)),
    ...change,
  });
const ofTask = (id: string) => (entry: Entry) => entry.task_id === slug(id);
const ofBytes = (bytes: string | Buffer) => (entry: Entry) =>
  entry.data_base64 === Buffer.from(bytes).toString("base64");
const ofText = (text: string) => (entry: Entry) => JSON.stringify(entry).includes(text);
const noise = (length: number): string =>
  Array.from({ length }, (_, index) =>
    String.fromCharCode(97 + ((index * index * 31 + index) % 26)),
  ).join("");

const garbage = "not_an_event";
const wrong = "attribute_invalid";
const long = noise(12_000);
const random = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * index) % 256));

const cases: Record<string, Bad> = {
  "text that is no JSON": { value: "hello", problem: garbage, entry: ofBytes("hello") },
  "random bytes": { value: random, problem: garbage, entry: ofBytes(random) },
  "an empty value": { value: "", problem: garbage, entry: ({ data }) => data === null },
  "a JSON array": { value: "[1]", problem: garbage, entry: ({ data }) => json(data) === "[1]" },
  "an object without type": {
    value: json({ task_id: "an-object-without-type", user_id: "u1" }),
    problem: garbage,
    entry: ofText("an-object-without-type"),
  },
  "a number as type": {
    value: plain("a number as type", { type: 7 }),
    problem: garbage,
    entry: ofText("a-number-as-type"),
  },
  "nested 5,000 levels deep": {
    value: `{"type":"task.created","a":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
    problem: garbage,
    entry: ({ data_base64: data }) => (data?.length ?? 0) > 10_000,
  },
  "a plain record without user": {
    value: plain("a plain record without user", { type: "task.created", user_id: undefined }),
    problem: "data_invalid",
    entry: ofTask("a plain record without user"),
    deadLetters: 2,
  },
  "a plain record with a bad timestamp": {
    value: plain("a plain record with a bad timestamp", { timestamp: "soon" }),
    problem: null,
    entry: ofTask("a plain record with a bad timestamp"),
  },
  "a plain record of the year 9999": {
    value: plain("a plain record of the year 9999", { timestamp: "9999-12-31T23:59:59Z" }),
    problem: null,
    entry: ofTask("a plain record of the year 9999"),
  },
  "an envelope without source": {
    value: envelope("an envelope without source", { source: undefined }),
    problem: wrong,
    entry: ofTask("an envelope without source"),
    deadLetters: 2,
  },
  "an envelope with an empty id": {
    value: envelope("an envelope with an empty id", { id: "" }),
    problem: wrong,
    entry: ofTask("an envelope with an empty id"),
    deadLetters: 2,
  },
  "an envelope with an object as subject": {
    value: envelope("an envelope with an object as subject", { subject: {} }),
    problem: wrong,
    deadLetters: 2,
  },
  "an envelope with data twice": {
    value: envelope("an envelope with data twice", { data_base64: "e30=" }),
    problem: wrong,
    deadLetters: 2,
  },
  "an envelope of specversion 2.0": {
    value: envelope("an envelope of specversion 2.0", { specversion: "2.0" }),
    problem: wrong,
    deadLetters: 2,
  },
  "an envelope with a control character": {
    value: envelope("x", { id: "an envelope\u0000\u001b[2J" }),
    problem: null,
    entry: ({ id }) => id === "an envelope\u0000\u001b[2J",
  },
  "a structured record": {
    value: envelope("a structured record"),
    headers: { "content-type": "application/cloudevents+json; charset=utf-8" },
    problem: null,
  },
  "a structured record that is no JSON": {
    value: "{structured",
    headers: { "content-type": "application/cloudevents+json" },
    problem: garbage,
    entry: ofBytes("{structured"),
  },
  "a batch": {
    value: `[${envelope("a batch")}]`,
    headers: { "content-type": "application/cloudevents-batch+json" },
    problem: garbage,
    entry: ofText('"a-batch"'),
  },
  "an id of 12 KB": {
    value: json(task("x")),
    headers: binary(long, { ce_type: "task.created" }),
    problem: null,
    entry: ({ id }) => id === long,
  },
  "a source of 12 KB": {
    value: json(task("x")),
    headers: binary(slug("a source of 12 KB"), { ce_source: `/${long}` }),
    problem: null,
  },
  "an extension of 60 KB": {
    value: json(task("x")),
    headers: binary(slug("an extension of 60 KB"), { ce_note: noise(60_000) }),
    problem: null,
  },
  "an extension of 300 KB": {
    value: json(task("x")),
    headers: binary(slug("an extension of 300 KB"), { ce_note: noise(300_000) }),
    problem: null,
  },
  "an extension of 900 KB": {
    value: json(task("x")),
    headers: binary(slug("an extension of 900 KB"), { ce_note: "\u00fc".repeat(450_000) }),
    problem: null,
  },
  "a type of 12 KB": {
    value: json(task("x")),
    headers: binary(slug("a type of 12 KB"), { ce_type: long }),
    problem: null,
  },
  "an id outside Latin-1": {
    value: json(task("x")),
    headers: binary("任务-1 \u{1f600}"),
    problem: null,
    entry: ({ id }) => id === "??-1 ?",
  },
  "a tombstone": {
    value: null,
    headers: binary(slug("a tombstone"), { ce_type: "task.created" }),
    problem: "data_missing",
    deadLetters: 2,
  },
  "a tombstone without headers": {
    value: null,
    problem: garbage,
    entry: ({ data, problem }) => data === null && problem?.code === garbage,
  },
  "a time that is none": {
    value: json(task(slug("a time that is none"))),
    headers: binary("x", { ce_time: "soon" }),
    problem: garbage,
    entry: ofText('"a-time-that-is-none"'),
  },
  "empty attributes": {
    value: json(task(slug("empty attributes"))),
    headers: binary("", { ce_source: "" }),
    problem: wrong,
    entry: ofTask("empty attributes"),
    deadLetters: 2,
  },
  "header names that HTTP cannot carry": {
    value: json(task("x")),
    headers: binary(slug("header names that HTTP cannot carry"), {
      "a b": "1",
      "": "2",
      "ü\n": "3",
      __offset: "0",
      __topic: "other",
      host: "evil.example",
      "content-length": "1",
      "transfer-encoding": "chunked",
      connection: "close",
    }),
    problem: null,
  },
  "a header that is repeated": {
    value: json(task("x")),
    headers: binary("first", { ce_id: ["first", slug("a header that is repeated")] }),
    problem: null,
  },
  "the timestamp 0": {
    value: plain("the timestamp 0"),
    timestamp: "0",
    problem: null,
    entry: ofTask("the timestamp 0"),
  },
  "no timestamp": {
    value: plain("no timestamp"),
    timestamp: "-1",
    problem: null,
    entry: ofTask("no timestamp"),
  },
  "a timestamp long before 1970": {
    value: plain("a timestamp long before 1970"),
    timestamp: "-8640000000000001",
    problem: null,
    entry: ofTask("a timestamp long before 1970"),
  },
  "a key of random bytes": {
    key: Buffer.from(random.map((byte) => byte | 0x80)),
    value: plain("a key of random bytes"),
    problem: null,
    entry: ofTask("a key of random bytes"),
  },
  "a null header": {
    value: json(task("a null header")),
    headers: binary(slug("a null header")),
    hasNullHeader: true,
    problem: "dropped",
  },
  "a control character in the key": {
    key: "a\u0001b",
    value: plain("a control character in the key"),
    problem: "dropped",
  },
  "a line break in an attribute": {
    value: json(task("x")),
    headers: binary(slug("a line break in an attribute"), { ce_note: "a\r\nce-id: forged" }),
    problem: "dropped",
  },
};

const beside = (name: string): string => `beside-${slug(name)}`;

const broker = (): string => `localhost:${scene.runner.ports.kafka}`;
const open = (): Producer => openKafka({ brokers: broker(), clientId: "bad-input" }).producer();

async function produceAll(): Promise<void> {
  const producer = open();
  await producer.connect();
  const topic = "task-events";
  for (const [index, [name, bad]] of Object.entries(cases).entries()) {
    const partition = index % 12;
    const { key = null, value, headers = {}, timestamp = String(Date.now()) } = bad;
    const good = {
      key: "good",
      value: json(task("good")),
      headers: binary(beside(name)),
      partition,
    };
    const message = { key, value, headers, timestamp, partition };
    if (bad.hasNullHeader === true) {
      await produceNullHeader(broker(), {
        topic,
        partition,
        value: String(value),
        headers: { ...headers, nullable: null },
      });
    } else await producer.send({ topic, messages: [message] });
    await producer.send({ topic, messages: [good] });
  }
  await producer.disconnect();
}

describe.each(Object.entries(cases))("%s", (name, bad) => {
  const find = bad.entry ?? (({ id }: Entry) => id === slug(name));

  it("does not hold up what comes behind it", async () => {
    await until(() => expect(client.ids()).toContain(beside(name)));
    await until(async () =>
      expect((await scene.entries()).map(({ id }) => id)).toContain(beside(name)),
    );
  }, 90_000);

  it(`is ${bad.problem === null ? "an entry" : `an entry with ${bad.problem}`}`, async () => {
    if (bad.problem === "dropped") return expectDropped(name);
    await until(async () => {
      const found = (await scene.entries()).filter(find);
      expect(found.map(({ problem }) => problem?.code ?? null)).toContain(bad.problem);
    });
  }, 90_000);
});

/** No function got it, and none will before `verify` reads what the log of entries leaves out. */
async function expectDropped(name: string): Promise<void> {
  await until(() => expect(scene.runner.output).toContain("dropped: a header value is null"));
  const entries = await scene.entries();
  expect(entries.some(({ id, task_id: taskId }) => [id, taskId].includes(slug(name)))).toBe(false);
}

it("dead letters are those that can never succeed, with the reason", async () => {
  const count = (name: string): ((letters: readonly DeadLetter[]) => number) => {
    const isOf = ({ event }: DeadLetter): boolean =>
      event?.id === slug(name) || JSON.stringify(event).includes(`"task_id":"${slug(name)}"`);
    return (letters) => letters.filter(isOf).length;
  };
  await until(async () => {
    const letters = await scene.deadLetters();
    for (const [name, { deadLetters = 0, problem }] of Object.entries(cases)) {
      if (problem === null || deadLetters > 0) {
        expect([name, count(name)(letters)]).toEqual([name, deadLetters]);
      }
    }
    for (const { reason } of letters) expect(reason).toMatch(/^[a-z_]+: .+/);
  });
}, 90_000);

it("the gateway shows none that has a problem, and the good ones of them as they are", async () => {
  const shown = client.frames.flatMap(({ event }) => event ?? []);
  expect(shown.filter(({ data }) => data === undefined)).toEqual([]);
  expect(shown.map(({ id }) => id)).toEqual(expect.arrayContaining([long, "??-1 ?"]));
});

it("a timestamp beyond all dates is refused to its producer", async () => {
  const producer = open();
  await producer.connect();
  const message = { value: plain("late"), timestamp: "9223372036854775807" };
  const sent = producer.send({ topic: "task-events", messages: [message] });
  await expect(sent).rejects.toThrow(/timestamp/);
  await producer.disconnect();
});

it("the console lists them all", async () => {
  for (const path of ["/api/events?limit=1000", "/api/dead-letters", "/api/deliveries"]) {
    expect(await scene.runner.json("console", path)).toBeDefined();
  }
});

it("nothing of all this is harm to others", async () => {
  await scene.expectUnharmed();
}, 120_000);
