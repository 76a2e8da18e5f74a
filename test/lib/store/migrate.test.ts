/** Migrations by the owner, seen by the runtime role. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../../lib/store/database.ts";
import { migrate, type Migrations, schemaBehind } from "../../../lib/store/migrate.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";

const first: Migrations = {
  schema: "sample",
  steps: {
    "0001-thing": {
      up: async (db) => {
        await db.schema.createTable("thing").addColumn("id", "integer").execute();
      },
    },
  },
};
const second: Migrations = {
  schema: "sample",
  steps: {
    ...first.steps,
    "0002-name": {
      up: async (db) => {
        await db.schema.alterTable("thing").addColumn("name", "text").execute();
      },
    },
  },
};

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase(first);
});
afterAll(() => database[Symbol.asyncDispose]());

test("a function whose schema is behind is told which migration is missing, and may read no more than that", async () => {
  await using store = openStore<never>({ url: database.url, schema: "sample", maxConnections: 1 });
  expect(await schemaBehind(store.db, first)).toBeNull();
  expect(await schemaBehind(store.db, second)).toContain("0002-name");
  await expect(store.pool.query("select * from thing")).rejects.toThrow("permission denied");
});

test("before the first migration a function is told the same, not that it lacks a right", async () => {
  await using store = openStore<never>({ url: database.url, schema: "sample", maxConnections: 1 });
  const unmigrated = { schema: "absent", steps: first.steps };
  expect(await schemaBehind(store.db, unmigrated)).toContain("lacks migration 0001-thing");
});

test("migrating twice and by two at once applies each step once", async () => {
  const env = { DATABASE_URL: database.ownerUrl };
  const applied = await Promise.all([migrate(second, env), migrate(second, env)]);
  expect(applied.flat()).toEqual(["0002-name"]);
  expect(await migrate(second, env)).toEqual([]);
});
