/** What one writes by hand: one INSERT an event with Kysely, of ours and pg's usual settings; the same event twice is one row. */
const { Kysely, PostgresDialect } = require("kysely");
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 20 });
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });

exports.insertEvent = ({ source, id, type, subject, time, data }) =>
  db
    .insertInto("event")
    .values({ source, id, type, subject, time, data: JSON.stringify(data) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
