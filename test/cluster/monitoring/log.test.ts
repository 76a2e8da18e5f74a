/** What Alloy takes out of a line is what a function's line has. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { readText, ROOT } from "../resource.ts";

/** The members of `stage.json`. */
function expressionsOf(config: string): string[] {
  const [, block = ""] = /expressions = \{([^}]*)\}/.exec(config) ?? [];
  return [...block.matchAll(/(\w+)\s*=/g)].map(([, name]) => name ?? "");
}

it(
  "a line about an event has a level, a time, the event and the trace",
  { timeout: 60_000 },
  async () => {
    const child = spawn(process.execPath, [join(ROOT, "functions/notification/index.ts")], {
      env: {
        PATH: process.env["PATH"],
        HOST: "127.0.0.1",
        PORT: "0",
        METRICS_PORT: "0",
        // Nobody is there: an event that breaks the contract needs no database.
        DATABASE_URL: "postgres://notification@127.0.0.1:1/none",
        SMTP_URL: "smtp://127.0.0.1:1",
        SMTP_FROM: "no-reply@task-events.example",
        SMS_URL: "http://account:secret@127.0.0.1:1",
        SMS_FROM: "+15550100000",
        JWT_SECRET: "a secret of at least thirty-two bytes",
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    for await (const text of createInterface(child.stdout)) {
      const line = JSON.parse(text) as Record<string, string>;
      if (line["url"] !== undefined) await postGarbage(line["url"]);
      if (line["event_id"] === undefined) continue;
      const members = expressionsOf(readText("knative/component/log/config.alloy"));
      expect(members).toContain("trace_id");
      expect(Object.keys(line)).toEqual(expect.arrayContaining(members));
      // The form that stage.timestamp reads.
      expect(line["time"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
      return;
    }
    expect.unreachable("the function ended without a line about the event");
  },
);

async function postGarbage(url: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "ce-specversion": "1.0",
      "ce-id": "e1",
      "ce-source": "/test",
      "ce-type": "task.created",
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    },
    body: '{"task_id":1}',
  });
  expect(response.status).toBe(422);
}
