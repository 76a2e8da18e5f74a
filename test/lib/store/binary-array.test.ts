/** Arrays in binary form: PostgreSQL reads from them what it would read from their text. */
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrations } from "../../../functions/audit-log/migrations.ts";
import { type Elements, type ElementType, toBinaryArray } from "../../../lib/store/binary-array.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";

let database: TestDatabase;
let client: Client;

beforeAll(async () => {
  database = await startTestDatabase(migrations);
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database[Symbol.asyncDispose]();
});

const big = 2 ** 32;
const cases: { [Type in ElementType]: Elements<Type> } = {
  boolean: [true, null, false],
  bigint: [
    0,
    1,
    -1,
    null,
    big - 1,
    big,
    -big,
    2 ** 31,
    Number.MAX_SAFE_INTEGER,
    -Number.MAX_SAFE_INTEGER,
  ],
  bytea: [Buffer.of(0, 255, 92, 34), null, Buffer.alloc(0), Buffer.alloc(70_000, 7)],
  text: ["", "NULL", null, `{"a":"b\\c"},'`, "é€😀", "x".repeat(70_000)],
  timestamptz: [
    new Date("2026-12-31T23:59:59.999Z"),
    null,
    new Date("1999-12-31T23:59:59.999Z"),
    new Date(0),
  ],
};

test.each(Object.entries(cases) as [ElementType, Elements<ElementType>][])(
  "%s, with null and without any element",
  async (type, elements) => {
    for (const each of [elements, elements.slice(0, 1), [null], []]) {
      const { rows } = await client.query<{ same: boolean; length: number }>(
        `select $1::${type}[] is not distinct from $2::${type}[] as same, cardinality($1::${type}[]) as length`,
        [toBinaryArray(type, each), each],
      );
      expect(rows).toEqual([{ same: true, length: each.length }]);
    }
  },
);
