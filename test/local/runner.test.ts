/** The runner with stub functions: what it starts, in which order it refuses, and that nothing is left of it. */
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { runnerFixture, type RunnerFixture } from "./runner-fixture.ts";

let fixture: RunnerFixture;
beforeEach(async () => {
  fixture = await runnerFixture();
});
afterEach(() => fixture[Symbol.dispose]());

const EVENT = {
  "content-type": "application/json",
  "ce-specversion": "1.0",
  "ce-id": "e1",
  "ce-source": "/test",
  "ce-type": "task.created",
};

const post = () =>
  fetch(`http://localhost:${String(fixture.ports.broker)}/default/task-events`, {
    method: "POST",
    headers: EVENT,
    body: '{"task_id":"t1"}',
  });

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });

it("brings an event from the Broker to each function, and stops with every port closed", async () => {
  const runner = await fixture.start();
  expect((await post()).status).toBe(202);
  await vi.waitFor(() => {
    for (const name of ["audit-log", "notification", "recurring-task"] as const) {
      const got = fixture.requestsOf(name).find(({ method }) => method === "POST");
      expect(got?.headers).toMatchObject({ "ce-id": "e1", "kn-namespace": "default" });
    }
  }, 20_000);
  await runner[Symbol.asyncDispose]();
  const { broker, console, kafka, services } = fixture.ports;
  const open = await Promise.all([broker, console, kafka, ...Object.values(services)].map(isOpen));
  expect(open).not.toContain(true);
});

it("gives a function the environment of its YAML and nothing of the runner's own", async () => {
  process.env["LEAK"] = "leaks";
  fixture.copy.edit(
    "knative/base/service-notification.yaml",
    "Task Events <no-reply@task-events.example>",
    "changed@task-events.example",
  );
  await using _ = await fixture.start();
  await post();
  await vi.waitFor(() => expect(fixture.requestsOf("notification")).not.toEqual([]), 20_000);
  const env = fixture.requestsOf("notification")[0]?.env ?? {};
  expect(env["SMTP_FROM"]).toBe("changed@task-events.example");
  expect(env["SMTP_URL"]).toMatch(/^smtp:\/\/127\.0\.0\.1:\d+$/);
  expect(env["DATABASE_URL"]).toMatch(/^postgres:\/\/notification:/);
  expect(env["LEAK"]).toBeUndefined();
  delete process.env["LEAK"];
});

it("retries and dead-letters by the YAML's own delivery", async () => {
  const file = "eventing/kafka-source-notification.yaml";
  fixture.copy.edit(file, "retry: 7", "retry: 2").edit(file, "PT0.5S", "PT0.01S");
  await using _ = await fixture.start();
  fixture.answer("notification", 503);
  await post();
  await vi.waitFor(() => expect(fixture.lines.join("\n")).toContain("dead-letter"), 20_000);
  const attempts = fixture.requestsOf("notification").filter(({ method }) => method === "POST");
  expect(attempts).toHaveLength(3);
});

it("refuses a second runner on the same state, which does not disturb the first", async () => {
  await using _ = await fixture.start();
  await expect(fixture.start()).rejects.toThrow("Another runner");
  expect((await post()).status).toBe(202);
});

it("starts nothing where the YAML is wrong", async () => {
  fixture.copy.edit("eventing/ping-source-notification.yaml", "*/2", "*/x");
  await expect(fixture.start()).rejects.toThrow("ping-source-notification.yaml:12: schedule");
  expect(await isOpen(fixture.ports.kafka)).toBe(false);
});

it("goes on without what a failed Job would have done, as the cluster does, with a loud line", async () => {
  const job = join(fixture.sources, "functions/audit-log/schemas.ts");
  writeFileSync(job, 'console.error("no registry"); process.exit(1);');
  await using _ = await fixture.start();
  expect(fixture.lines).toContainEqual(
    expect.stringMatching(
      /^Job: ERROR: schemas ended with exit code 1: no registry \(more in .*schemas\.log\)\. The next start tries again$/,
    ),
  );
});

it("names the file and line of a source whose topic nobody makes", async () => {
  fixture.copy.edit("eventing/kafka-source-notification.yaml", /- task-events/, "- task-event");
  await expect(fixture.start()).rejects.toThrow(
    /kafka-source-notification\.yaml:\d+: there is no topic task-event in Kafka/,
  );
  expect(await isOpen(fixture.ports.broker)).toBe(false);
});

it("names the file and line of a Broker on a topic that nobody makes", async () => {
  const external = /external\.topic: task-events/;
  fixture.copy.edit("eventing/broker-task-events.yaml", external, "external.topic: task-event");
  await expect(fixture.start()).rejects.toThrow(
    /broker-task-events\.yaml:13: there is no topic task-event in Kafka/,
  );
});

it("names the file and line of a Broker whose topic Kafka does not make", async () => {
  fixture.copy
    .edit("eventing/broker-task-events.yaml", /\n.*external\.topic.*/, "")
    .edit(
      "eventing/config-map-task-events-topics.yaml",
      'replication.factor: "1"',
      'replication.factor: "3"',
    );
  await expect(fixture.start()).rejects.toThrow(
    /broker-task-events\.yaml:\d+: Kafka does not make the topic knative-broker-default-task-events: .*replication/i,
  );
});
