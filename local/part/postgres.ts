/** The embedded PostgreSQL: a real server of its own, on 127.0.0.1, kept between runs. */
import type { Note } from "../process/note.ts";

export interface PostgresRole {
  name: string;
  password: string;
}

export interface PostgresOptions {
  stateDir: string;
  /** 0: a free one, chosen once and kept in the state folder. */
  port: number;
  database: string;
  superuserPassword: string;
  roles: readonly PostgresRole[];
  /** Each made where it is missing, owned by a role of `roles`. `usage`: who may use it. */
  schemas: readonly { name: string; owner: string; usage: readonly string[] }[];
  note: Note;
}

export interface Postgres extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** `postgres://role:password@127.0.0.1:port/database` */
  url(role: PostgresRole): string;
}

export function startPostgres(options: PostgresOptions): Promise<Postgres> {
  return Promise.reject(new Error(`not built yet: ${options.stateDir}`));
}
