/** How far the topic of each generation was seen to reach: what is missing at its end can be told when it is gone. */
import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

const statements = [
  `create table topic_end (
    generation text not null references generation,
    partition integer not null,
    "end" bigint not null,
    primary key (generation, partition)
  )`,
  `create function refuse_nearer_end() returns trigger language plpgsql as $$
  begin
    if (new.generation, new.partition) is distinct from (old.generation, old.partition)
      or new."end" < old."end"
    then
      raise exception 'the end of a topic only moves on' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end $$`,
  `create trigger topic_end_moves_on before update on topic_end
    for each row execute function refuse_nearer_end()`,
  `create trigger refuse_change before delete on topic_end
    for each row execute function refuse_change()`,
  `create trigger refuse_truncate before truncate on topic_end
    for each statement execute function refuse_change()`,
  `grant select, insert, update on topic_end to audit`,
];

export const topicEnd: Migration = {
  up: async (db: Kysely<unknown>) => {
    for (const statement of statements) await sql.raw(statement).execute(db);
  },
};
