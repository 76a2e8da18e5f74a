/** What the Broker takes although it is bad: an entry with its problem, a dead letter with the reason, or no harm at all. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type DeadLetter, type Entry, Scene, slug, task, until } from "./scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
  await postAll();
}, 120_000);
afterAll(() => scene[Symbol.asyncDispose]());

interface Bad {
  readonly headers?: Record<string, string>;
  readonly body: string | Buffer;
  readonly problem: string | null;
  /** Of the dead letters; by default those that handle task.created. None where there is no problem. */
  readonly functions?: readonly string[];
  readonly data?: "kept" | "base64" | "none";
}

const both = ["notification", "recurring-task"];
const data = (name: string, change: object): string =>
  JSON.stringify({ ...task(slug(name)), ...change });
const nested = (depth: number): string => `${"[".repeat(depth)}1${"]".repeat(depth)}`;
const withPayload = (name: string, member: string): string =>
  data(name, {}).replace('"payload":{', `"payload":{${member},`);

const invalid = "data_invalid";
const dataCases: Record<string, Bad> = {
  "no data": { body: "", problem: "data_missing", data: "none" },
  "malformed JSON": { body: '{"task_id":', problem: "data_not_json", data: "base64" },
  "a byte order mark": {
    body: `\ufeff${data("bom", {})}`,
    problem: "data_not_json",
    data: "base64",
  },
  "not UTF-8": {
    body: Buffer.from(data("latin1", { user_id: "\u00fc" }), "latin1"),
    problem: "data_not_json",
    data: "base64",
  },
  "UTF-16": {
    body: Buffer.from(data("utf16", {}), "utf16le"),
    problem: "data_not_json",
    data: "base64",
  },
  "nested 2,000 levels deep": {
    body: withPayload("nested 2,000 levels deep", `"deep":${nested(2_000)}`),
    problem: "data_too_deep",
    data: "base64",
  },
  "nested 100,000 levels deep": { body: nested(100_000), problem: "data_too_deep", data: "base64" },
  "nested 900 levels deep": {
    body: withPayload("nested 900 levels deep", `"deep":${nested(900)}`),
    problem: null,
  },
  "an array": { body: "[]", problem: invalid },
  "null as data": { body: "null", problem: invalid },
  "a string": { body: '"task"', problem: invalid },
  "no task_id": { body: data("x", { task_id: undefined }), problem: invalid },
  "a number as task_id": { body: data("x", { task_id: 1 }), problem: invalid },
  "an empty user_id": { body: data("x", { user_id: "" }), problem: invalid },
  "null as user_id": { body: data("x", { user_id: null }), problem: invalid },
  "an object as user_id": { body: data("x", { user_id: { $ne: 1 } }), problem: invalid },
  "U+0000 in task_id": { body: data("x", { task_id: "a\u0000b" }), problem: invalid },
  "a task_id of 300 characters": {
    body: data("x", { task_id: "x".repeat(300) }),
    problem: invalid,
  },
  "an array as payload": { body: data("x", { payload: [] }), problem: invalid },
  "a number as title": { body: data("x", { payload: { title: 1 } }), problem: invalid },
  "a title of 20,000 characters": {
    body: data("x", { payload: { title: "x".repeat(20_000) } }),
    problem: invalid,
  },
  "U+0000 in the title": {
    body: data("U+0000 in the title", { payload: { title: "u-0000-in-the-title \u0000" } }),
    problem: null,
  },
  "lone surrogates": {
    body: withPayload("lone surrogates", '"note":"\\ud800","\\udfff":1').replace("Task", "\\udfff"),
    problem: null,
  },
  "lone surrogates as ids": {
    body: '{"task_id":"\\ud800","user_id":"\\udfff","payload":{}}',
    problem: invalid,
  },
  "ids of emoji": {
    body: data("ids of emoji", { task_id: "\u{1f600}", user_id: "\u{1f601}" }),
    problem: null,
  },
  "1e400": { body: withPayload("1e400", '"weight":1e400,"less":-1e400'), problem: null },
  "an integer of 200 digits": {
    body: withPayload("an integer of 200 digits", `"n":${"9".repeat(200)}`),
    problem: null,
  },
  "names that are repeated": {
    body: data("names that are repeated", {}).replace("{", '{"task_id":"other","task_id":7,'),
    problem: null,
  },
  "__proto__ as a name": {
    body: data("__proto__ as a name", {}).replace(
      "{",
      '{"__proto__":{"admin":true},"constructor":1,',
    ),
    problem: null,
  },
  "line breaks in the title": {
    body: data("line breaks in the title", {
      payload: { title: "line-breaks-in-the-title\r\nBcc: victim@example.test\r\n\r\nx" },
    }),
    problem: null,
  },
  "markup in the title": {
    body: data("markup in the title", {
      payload: { title: "markup-in-the-title <script>alert(1)</script>${x}{{y}}" },
    }),
    problem: null,
  },
};

const attribute = (name: string, headers: Record<string, string>, problem: string | null): Bad => ({
  headers,
  body: data(name, {}),
  problem,
});
const wrong = "attribute_invalid";
const attributeCases: Record<string, Bad> = {
  "text/plain": attribute("text/plain", { "content-type": "text/plain" }, "data_not_json"),
  "an image": attribute("an image", { "content-type": "image/png" }, "data_not_json"),
  "a content type that is none": attribute("ct", { "content-type": "jsonish" }, "data_not_json"),
  "specversion 0.3": attribute("specversion 0.3", { "ce-specversion": "0.3" }, wrong),
  "an empty subject": attribute("an empty subject", { "ce-subject": "" }, wrong),
  "an empty source": attribute("an empty source", { "ce-source": "" }, wrong),
  "a source outside ASCII": attribute("a source outside ASCII", { "ce-source": "/\u00fc" }, wrong),
  "a relative dataschema": attribute("a relative dataschema", { "ce-dataschema": "x/y" }, wrong),
  "an empty partitionkey": attribute("an empty partitionkey", { "ce-partitionkey": "" }, null),
  "the year 9999": attribute("the year 9999", { "ce-time": "9999-12-31T23:59:59Z" }, null),
  "the year 0": attribute("the year 0", { "ce-time": "0000-01-01T00:00:00Z" }, null),
  "a place of its own": attribute(
    "a place of its own",
    { "ce-knativekafkapartition": "0", "ce-knativekafkaoffset": "999999" },
    null,
  ),
  "an extension called data": attribute("an extension called data", { "ce-data": "x" }, wrong),
  "an extension with quotes": attribute(
    "an extension with quotes",
    { "ce-note": `"'\\;drop table entry--\u00ff` },
    null,
  ),
  "a trace that is none": attribute("a trace that is none", { traceparent: "00-x" }, null),
};

const cases: Record<string, Bad> = { ...dataCases, ...attributeCases };

async function postAll(): Promise<void> {
  for (const [name, { headers, body }] of Object.entries(cases)) {
    const response = await fetch(scene.runner.url("broker", "/default/task-events"), {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": slug(name),
        "ce-source": "/bad",
        "ce-type": "task.created",
        "ce-partitionkey": slug(name),
        ...headers,
      },
      body: typeof body === "string" ? body : new Uint8Array(body),
    });
    expect([name, response.status]).toEqual([name, 202]);
  }
}

/** Where the source was empty, the place names the event. */
const isOf = (name: string) => (event: { id: string; source: string } | null) =>
  name === "an empty source" ? event?.source === "/kafka/unnamed" : event?.id === slug(name);

describe.each(Object.entries(cases))("%s", (name, bad) => {
  const { problem, body, functions = problem === null ? [] : both } = bad;

  it(`is ${problem === null ? "a good entry" : `an entry with ${problem}`}`, async () => {
    let entry: Entry | undefined;
    await until(async () => {
      entry = (await scene.entries()).find(isOf(name));
      expect(entry).toBeDefined();
    });
    expect(entry?.problem?.code ?? null).toBe(problem);
    expect(entry?.partition).not.toBeNull();
    const bytes = Buffer.from(body);
    if (bad.data === "none") expect(entry?.data).toBeNull();
    else if (bad.data === "base64") {
      expect(entry?.data).toBeNull();
      expect(entry?.data_base64).toBe(bytes.toString("base64"));
    } else expect(entry?.data).toEqual(JSON.parse(bytes.toString()));
  });

  it(`is ${functions.length === 0 ? "no" : "a"} dead letter`, async () => {
    await until(async () => {
      const letters = (await scene.deadLetters()).filter(({ event }) => isOf(name)(event));
      expect(letters.map((letter) => letter.function).toSorted()).toEqual(functions);
      for (const letter of letters) expectReason(letter, problem ?? "");
    });
  });
});

function expectReason({ reason, code }: DeadLetter, problem: string): void {
  expect(code).toBe(problem === wrong ? 400 : 422);
  expect(reason).toMatch(new RegExp(`^${problem}: .+`));
}

it("two ids that are one after Latin-1 are told apart by nobody, but not in silence", async () => {
  for (const [id, user] of [
    ["\u4efb\u52a1", "u1"],
    ["\u4e8b\u4ef6", "u2"],
  ] as const) {
    const body = {
      specversion: "1.0",
      id,
      source: "/bad",
      type: "task.created",
      partitionkey: "p",
    };
    const response = await fetch(scene.runner.url("broker", "/default/task-events"), {
      method: "POST",
      headers: { "content-type": "application/cloudevents+json" },
      body: JSON.stringify({ ...body, data: task(`exotic-${user}`, user) }),
    });
    expect(response.status).toBe(202);
  }
  await until(async () => {
    const letters = (await scene.deadLetters()).filter(({ event }) => event?.id === "??");
    expect(letters.map((letter) => letter.function).toSorted()).toEqual(both);
  });
  expect((await scene.entries()).filter(({ id }) => id === "??")).toHaveLength(1);
}, 90_000);

it("nothing of all this is harm to others", async () => {
  await scene.expectUnharmed();
}, 120_000);

it("keeps data byte for byte", async () => {
  const token = await scene.runner.token("admin", "admin");
  const response = await fetch(scene.runner.url("audit-log", "/entries?limit=1000"), {
    headers: { authorization: `Bearer ${token}` },
  });
  const text = await response.text();
  for (const name of ["1e400", "an integer of 200 digits", "names that are repeated"]) {
    expect(text).toContain(`"data":${String(cases[name]?.body)}`);
  }
});

it("mails what can be mailed, and a title adds no header and no markup", async () => {
  await until(async () => {
    const mails = await scene.runner.json<{
      messages: { to: string[]; subject: string; html: string | null }[];
    }>("console", "/api/mail?limit=1000");
    const about = (text: string) => mails.messages.filter(({ subject }) => subject.includes(text));
    expect(about("u-0000-in-the-title")).toHaveLength(1);
    expect(about("line-breaks-in-the-title")).toMatchObject([{ to: ["u1@example.test"] }]);
    expect(about("markup-in-the-title")).toHaveLength(1);
    expect(mails.messages.map(({ html }) => html).join("")).not.toContain("<script>");
  });
});
