/** Events to sent mails: the function with its ledger and its users' preferences, beside nodemailer's pool alone. */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startBundle } from "../bundle.ts";
import { startChild } from "../child.ts";
import { type BenchDatabase, startPostgres, withClient } from "../database.ts";
import type { BenchContext, Outcome, Part } from "../part.ts";
import { postEvents } from "../post.ts";
import { metered } from "../metered.ts";
import { makeEvents, makeMails, recipientRows } from "../notification/mail.ts";
import type { PoolNews, PoolOrder } from "../notification/pool-process.ts";
import type { SmtpNews, SmtpOrder } from "../notification/smtp-process.ts";
import { packageVersion } from "../version.ts";

const allEvents = 10_000;
const sendMs = 20;
/** The default of SMTP_CONNECTIONS: sends at once. */
const connections = 10;
/** A KafkaSource's deliveries to one consumer. */
const inFlight = 90;
const warmUpEvents = 500;

const columns = [
  { key: "rate", title: "mails/s", digits: 0 },
  { key: "cpu", title: "CPU s/10k", digits: 2 },
  { key: "databaseCpu", title: "PostgreSQL CPU s/10k", digits: 2 },
];

export const notification: Part = {
  name: "notification",
  title: `notification: event POST → mail at an SMTP server that takes ${sendMs} ms for each`,
  run,
};

interface Measured {
  readonly rate: number;
  readonly cpu: number;
  readonly databaseCpu: number;
}

async function run({ rounds, folder, say }: BenchContext): Promise<Outcome> {
  await using scene = await openScene(folder);
  const events = Math.ceil(allEvents / rounds);
  const ours: Measured[] = [];
  const pool: Measured[] = [];
  await sendByFunction(scene, warmUpEvents);
  await sendByPool(scene, warmUpEvents);
  for (let round = 0; round < rounds; round++) {
    const turns = [
      async () => ours.push(await sendByFunction(scene, events)),
      async () => pool.push(await sendByPool(scene, events)),
    ];
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    say(`round ${round + 1}: ${ours.at(-1)?.rate.toFixed(0)} of ${pool.at(-1)?.rate.toFixed(0)}/s`);
  }
  return toOutcome({ ours, pool, events });
}

interface Turns {
  readonly ours: readonly Measured[];
  readonly pool: readonly Measured[];
  readonly events: number;
}

function toOutcome({ ours, pool, events }: Turns): Outcome {
  const of = (turns: readonly Measured[], key: keyof Measured) => turns.map((turn) => turn[key]);
  return {
    columns,
    rows: [
      {
        candidate: "ours",
        figures: {
          rate: of(ours, "rate"),
          cpu: of(ours, "cpu"),
          databaseCpu: of(ours, "databaseCpu"),
        },
      },
      {
        candidate: `nodemailer ${packageVersion("nodemailer")}, its pool alone (limit)`,
        figures: { rate: of(pool, "rate"), cpu: of(pool, "cpu") },
      },
    ],
    goals: [
      {
        sentence: "at least 0.9 of the mails/s of the pool alone, with ledger and preferences",
        ratios: ours.map(({ rate }, round) => rate / (pool[round]?.rate ?? NaN)),
        atLeast: 0.9,
      },
    ],
    notes: [
      `${events} events a round, ${inFlight} in flight; ${connections} sends at once by either, so ${connections * (1_000 / sendMs)} mails/s is what the server allows.`,
      "Ours keeps the event, a ledger row and its outcome in PostgreSQL (commits on disk), reads the recipient and words the mail; the pool gets finished mails and keeps nothing.",
    ],
  };
}

type Scene = Awaited<ReturnType<typeof openScene>>;

async function openScene(folder: string) {
  await using opening = new AsyncDisposableStack();
  const postgres = opening.use(await startPostgres());
  const database = await postgres.makeDatabase("notification", "notification");
  await writeRecipients(database);
  const moduleOf = (name: string) => join(import.meta.dirname, "../notification", `${name}.ts`);
  const smtp = opening.use(startChild<SmtpOrder, SmtpNews>(moduleOf("smtp-process"), [sendMs]));
  const listening = await smtp.news();
  if (!("port" in listening)) throw new Error("the mail server does not say where it listens");
  const smtpUrl = `smtp://127.0.0.1:${listening.port}`;
  const pool = opening.use(
    startChild<PoolOrder, PoolNews>(moduleOf("pool-process"), [smtpUrl, connections]),
  );
  const ours = opening.use(
    await startBundle({
      name: "notification",
      folder,
      given: {
        DATABASE_URL: database.url,
        SMTP_URL: smtpUrl,
        SMS_URL: "http://account:secret@127.0.0.1:9",
        JWT_SECRET: "of-no-use-here-but-thirty-two-bytes-long",
      },
    }),
  );
  const open = opening.move();
  return { postgres, database, smtp, pool, ours, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

const writeRecipients = ({ adminUrl }: BenchDatabase): Promise<void> =>
  withClient(adminUrl, async (admin) => {
    for (const row of recipientRows()) {
      await admin.query(
        `insert into notification.recipients (user_id, email, locale, time_zone, channels)
         values ($1, $2, $3, $4, $5)`,
        [...row],
      );
    }
  });

async function sendByFunction({ ours, postgres, database, smtp }: Scene, count: number) {
  const events = makeEvents(count);
  const { seconds, cpu } = await metered({ ours: ours.pid, postgres: postgres.pid }, async () => {
    const arrived = arrival(smtp, count);
    await postEvents({ url: ours.url, status: 204, inFlight, events });
    await arrived;
  });
  await ledgerSettled(database);
  return {
    rate: count / seconds,
    cpu: per10k(cpu.ours, count),
    databaseCpu: per10k(cpu.postgres, count),
  };
}

async function sendByPool({ pool, smtp }: Scene, count: number) {
  const mails = makeMails(count);
  const { seconds, cpu } = await metered({ pool: pool.pid }, async () => {
    pool.order({ mails });
    await arrival(smtp, count);
  });
  await pool.news();
  return { rate: count / seconds, cpu: per10k(cpu.pool, count), databaseCpu: 0 };
}

const per10k = (seconds: number, count: number): number => (seconds / count) * 10_000;

/** Resolves when so many mails have come; rejects where one came twice. */
async function arrival(smtp: Scene["smtp"], expect: number): Promise<void> {
  smtp.order({ expect });
  const news = await smtp.news();
  if ("arrived" in news && news.arrived.different === expect) return;
  throw new Error(`of ${expect} mails this came: ${JSON.stringify(news)}`);
}

const settleMs = 10_000;

/** Each row says `sent`: what is not, the function would send again. */
const ledgerSettled = ({ adminUrl }: BenchDatabase): Promise<void> =>
  withClient(adminUrl, async (admin) => {
    const deadline = performance.now() + settleMs;
    for (;;) {
      const { rows } = await admin.query<{ state: string; count: string }>(
        "select state, count(*) from notification.notifications where state <> 'sent' group by 1",
      );
      if (rows.length === 0) return;
      if (performance.now() > deadline) throw new Error(`not sent: ${JSON.stringify(rows)}`);
      await delay(20);
    }
  });
