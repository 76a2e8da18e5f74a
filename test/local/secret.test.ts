/** Where the values of Secrets come from, and that they stay. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openKeys, openSecrets, readEnvironment, secretVariable } from "../../local/secret.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "secret "));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const parts = {
  database: (role: string) => `postgres://${role}@x/y`,
  smtp: "smtp://x",
  sms: "http://y",
};

it("makes a key once and gives the same to the next run", () => {
  const made = openKeys(folder)("token");
  expect(Buffer.from(made, "base64url")).toHaveLength(32);
  expect(openKeys(folder)("token")).toBe(made);
  expect(openKeys(folder)("cursor")).not.toBe(made);
});

it("keeps the keys for their owner alone", () => {
  openKeys(folder)("token");
  expect(statSync(join(folder, "secrets.json")).mode & 0o777).toBe(0o600);
});

it("gives a function its runtime role and its migration the owner's", () => {
  const secrets = openSecrets(openKeys(folder), parts, {});
  expect(secrets({ name: "database-audit-log", key: "url" })).toBe("postgres://audit@x/y");
  expect(secrets({ name: "database-audit-log", key: "migrate-url" })).toBe(
    "postgres://audit_owner@x/y",
  );
  expect(secrets({ name: "nobody", key: "url" })).toBeUndefined();
});

it("prefers what is set from outside", () => {
  const secrets = openSecrets(openKeys(folder), parts, {
    SMTP_URL: "smtps://mail.example",
    JWT_SECRET: "s",
  });
  expect(secrets({ name: "smtp", key: "url" })).toBe("smtps://mail.example");
  expect(secrets({ name: "token", key: "secret" })).toBe("s");
});

it("reads .env below the environment", () => {
  writeFileSync(join(folder, ".env"), 'SMTP_URL="smtp://file"\nSMS_URL=http://file\n');
  const env = readEnvironment(folder, { SMS_URL: "http://shell" });
  expect(env).toEqual({ SMTP_URL: "smtp://file", SMS_URL: "http://shell" });
  expect(readEnvironment(join(folder, "none"), { A: "b" })).toEqual({ A: "b" });
});

it("names the variable of a Secret's key", () => {
  expect(secretVariable({ name: "service-token", key: "key" })).toBe("SERVICE_TOKEN_KEY");
});
