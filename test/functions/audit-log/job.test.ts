/** The audit log's Jobs as the cluster runs them: a program that ends. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";

const verify = join(import.meta.dirname, "../../../functions/audit-log/verify.ts");

it("verify says in a sentence that PostgreSQL is away, and ends with exit code 2", async () => {
  const away = "postgres://audit:secret@127.0.0.1:1/audit";
  const env = {
    DATABASE_URL: away,
    MAINTENANCE_DATABASE_URL: away,
    KAFKA_BROKER: "127.0.0.1:1",
    KAFKA_TOPIC: "task-events",
  };
  const ended = await new Promise<{ code: unknown; err: string }>((resolve) => {
    execFile(process.execPath, [verify], { env }, (error, _, err) =>
      resolve({ code: error?.code, err }),
    );
  });
  expect(ended.code).toBe(2);
  expect(ended.err).toMatch(/^PostgreSQL is not available \(.+\): run it again later\.\n$/);
  expect(ended.err).not.toContain("secret");
});
