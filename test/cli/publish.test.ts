/** `task-events publish`, run as a person runs it, against an HTTP server that records what comes. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

const main = join(import.meta.dirname, "../../cli/main.ts");

interface Posted {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly subject?: string;
  readonly partitionkey?: string;
  readonly data: unknown;
}

/** Answers each POST with the next status; the last one repeats. */
async function startBroker(statuses: readonly number[] = [202]) {
  const posted: Posted[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const status = statuses[Math.min(posted.length, statuses.length - 1)] ?? 202;
      posted.push(JSON.parse(Buffer.concat(chunks).toString()) as Posted);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/default/task-events`, posted };
}

function run(
  args: readonly string[],
  stdin = "",
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...args], (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
    child.stdin?.end(stdin);
  });
}

const task = { task_id: "t1", user_id: "u1", payload: { title: "Buy milk" } };

describe("one event", () => {
  it("has the attributes of the flags; subject and partitionkey are the task's", async () => {
    const { url, posted } = await startBroker();
    const flags = [
      "--type",
      "task.created",
      "--id",
      "e1",
      "--source",
      "/me",
      "--extension",
      "traceid=7",
    ];
    const { code, out } = await run([
      "publish",
      "--broker",
      url,
      ...flags,
      "--data",
      JSON.stringify(task),
    ]);
    expect([code, out]).toEqual([0, "task.created e1 published\n"]);
    expect(posted).toMatchObject([
      {
        id: "e1",
        type: "task.created",
        source: "/me",
        subject: "t1",
        partitionkey: "t1",
        traceid: "7",
        data: task,
      },
    ]);
  });

  it("is posted again under the same id while the Broker answers 503", async () => {
    const { url, posted } = await startBroker([503, 503, 202]);
    const { code } = await run(["publish", "--broker", url, "--type", "x.y", "--data", "{}"]);
    expect(code).toBe(0);
    expect(new Set(posted.map(({ id }) => id)).size).toBe(1);
    expect(posted).toHaveLength(3);
  });

  it("that the Broker refuses is said, with exit code 1", async () => {
    const { url } = await startBroker([400]);
    const { code, err } = await run([
      "publish",
      "--broker",
      url,
      "--type",
      "x.y",
      "--id",
      "e1",
      "--data",
      "{}",
    ]);
    expect([code, err]).toEqual([1, "e1: the Broker answered 400\n"]);
  });
});

describe("many events", () => {
  const lines = [
    task,
    { specversion: "1.0", id: "whole", source: "/s", type: "task.updated", data: task },
  ];
  const text = `${lines.map((line) => JSON.stringify(line)).join("\n")}\n\n`;

  it("come from standard input, as data or as whole CloudEvents", async () => {
    const { url, posted } = await startBroker();
    const { out } = await run(["publish", "--broker", url, "--type", "task.created"], text);
    expect(out).toBe("2 published, 0 failed\n");
    expect(posted.map(({ type }) => type).toSorted()).toEqual(["task.created", "task.updated"]);
    expect(posted.find(({ type }) => type === "task.updated")).toMatchObject({
      id: "whole",
      source: "/s",
    });
  });

  it("come from a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "publish-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "events.ndjson"), text);
    const { url, posted } = await startBroker();
    await run([
      "publish",
      "--broker",
      url,
      "--type",
      "task.created",
      "--file",
      join(folder, "events.ndjson"),
    ]);
    expect(posted).toHaveLength(2);
  });
});

describe("a mistake is a sentence and exit code 2, and nothing is sent", () => {
  it.each([
    [["--data", "[]", "--type", "x.y"], "", "--data is not a JSON object."],
    [["--data", "{}"], "", "--type is missing"],
    [["--data", "{}", "--type", "x.y", "--time", "today"], "", "not a CloudEvent"],
    [["--data", "{}", "--type", "x.y", "--extension", "My-Ext=1"], "", "write name=value"],
    [["--type", "x.y"], '{}\n{"a":\n', "line 2: is not a JSON object."],
    [["--file", "/nowhere.ndjson", "--type", "x.y"], "", "--file /nowhere.ndjson cannot be read."],
    [["--data", "{}", "--type", "x.y", "--concurrency", "0"], "", "--concurrency must be"],
  ])("%j", async (flags, stdin, sentence) => {
    const { url, posted } = await startBroker();
    const { code, err } = await run(["publish", "--broker", url, ...flags], stdin);
    expect(code).toBe(2);
    expect(err).toContain(sentence);
    expect(err).not.toContain("    at ");
    expect(posted).toEqual([]);
  });
});
