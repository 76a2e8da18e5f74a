/** Everything is killed, stands still and is restarted on real servers while events come in: nothing lost, nothing twice. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RealServers, startServers } from "../../local/real/servers.ts";
import { run } from "../suite/cli/operator.ts";
import { Follower } from "../support/fault/follower.ts";
import { type Published, publishAll } from "../support/fault/publisher.ts";
import { drawFaults, type Happened, haveFaults } from "../support/fault/schedule.ts";
import { type SmtpProcess, startSmtp } from "../support/fault/smtp.ts";
import { countConnections, descendantsOf, type Usage, usageOf } from "../support/fault/usage.ts";
import { processVictim, runnerVictim, serverVictim } from "../support/fault/victim.ts";
import { makeFolder } from "../support/folder.ts";
import { deadLetters, entriesOf, until } from "../support/look.ts";
import { lacks, realParts } from "../support/real.ts";
import { Runner } from "../support/runner.ts";

/** 20000 is the long run. */
const total = Number(process.env["FAULT_EVENTS"] ?? 1_500);
const seed = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000);
const warmUp = 240;
const perSecond = Number(process.env["FAULT_RATE"] ?? 30);
/** At most: two at once, which take twenty seconds. */
const secondsPerFault = 15;
const functions = ["notification", "audit-log", "recurring-task", "websocket-gateway"] as const;
const LIMIT_MS = 600_000 + total * 100;
/** Both replicas send at most so many mails at once; a fault may double those. */
const mailsInFlight = 40;

const twoReplicas = (text: string): string => text.replace('min-scale: "0"', 'min-scale: "2"');
const everyMinute = (text: string): string =>
  text.replace(/schedule: ".*"/, 'schedule: "* * * * *"');
const edit = {
  "knative/base/service-notification.yaml": twoReplicas,
  "knative/base/service-audit-log.yaml": twoReplicas,
  "knative/base/service-recurring-task.yaml": twoReplicas,
  "knative/base/stateful-set-websocket-gateway.yaml": (text: string) =>
    text.replace("replicas: 1", "replicas: 2"),
  "knative/base/cron-job-verify.yaml": everyMinute,
  "eventing/ping-source-notification.yaml": everyMinute,
};

describe.skipIf(lacks("kafka", "daprd", "postgres", "redis"))(
  `${total} events through faults (FAULT_SEED=${seed} FAULT_EVENTS=${total})`,
  () => {
    const stack = new AsyncDisposableStack();
    let servers: RealServers;
    let smtp: SmtpProcess;
    let runner: Runner;
    let before: Usage;
    let followers: readonly { user: string; follower: Follower }[];
    let happened: Happened;
    let published: readonly Published[];

    beforeAll(async () => {
      const folder = stack.use(await makeFolder());
      smtp = stack.use(await startSmtp(folder.path));
      servers = await startServers({ parts: realParts, dataDir: folder.path, env: {} });
      stack.use(servers);
      const env = { ...servers.variables, SMTP_URL: smtp.url };
      runner = stack.use(await Runner.start({ edit, env }));
      followers = await followAll();
    }, 180_000);
    afterAll(() => stack.disposeAsync(), 120_000);

    async function followAll() {
      const users = ["u1", "u1", "u1", "u2", "u2"];
      const all = await Promise.all(
        users.map(async (user) => ({
          user,
          follower: stack.use(new Follower(runner, await runner.token(user))),
        })),
      );
      await until(() => {
        for (const { follower } of all) expect(follower.cursor).toBeDefined();
      });
      return all;
    }

    const publish = (first: number, count: number, spreadMs: number): Promise<Published[]> => {
      const kafka = servers.variables["KAFKA_BROKER"] ?? "";
      return publishAll({ runner, kafka, first, total: count, spreadMs });
    };

    /** As a person in whose shell the runner's ports are set. */
    const operate = (...args: string[]) =>
      run(args, {
        KAFKA_BROKER: servers.variables["KAFKA_BROKER"] ?? "",
        CONSOLE_PORT: String(runner.ports.console),
        AUDIT_LOG_PORT: String(runner.ports["audit-log"]),
        NOTIFICATION_PORT: String(runner.ports.notification),
        RECURRING_TASK_PORT: String(runner.ports["recurring-task"]),
      });

    async function lags(): Promise<Record<string, number>> {
      const { out, err, code } = await operate("lag", "--json");
      if (code !== 0) throw new Error(err);
      const { groups } = JSON.parse(out) as { groups: { group: string; records: number }[] };
      return Object.fromEntries(groups.map(({ group, records }) => [group, records]));
    }

    const untilNoLag = (timeout: number): Promise<void> =>
      until(async () => {
        const expected = {
          "audit-log": 0,
          notification: 0,
          "recurring-task": 0,
          "websocket-gateway-0": 0,
          "websocket-gateway-1": 0,
        };
        expect(await lags()).toEqual(expected);
      }, timeout);

    const usage = (): Promise<Usage> =>
      usageOf(runner.pid, servers.variables["DATABASE_URL"] ?? "");

    it("are accepted, all of them", { timeout: LIMIT_MS }, async () => {
      const warm = await publish(0, warmUp, 0);
      await untilNoLag(120_000);
      before = await usage();
      const stop = new AbortController();
      const { kafka, postgres, redis } = servers;
      const victims = [
        ...Object.entries({ kafka, postgres, redis, smtp }).flatMap(([name, server]) =>
          server === undefined ? [] : [serverVictim(name, server)],
        ),
        ...[...functions, "daprd"].map((name) => processVictim(runner, name)),
        runnerVictim(runner),
      ];
      const faults = haveFaults(drawFaults(victims, seed), stop.signal);
      const accepted = publish(warmUp, total, (total / perSecond) * 1_000);
      await Promise.race([accepted, faults]);
      stop.abort();
      happened = await faults;
      published = [...warm, ...(await accepted)];
      console.log(`${happened.faults.length} faults: ${happened.faults.join(", ")}`);
      expect(happened.faults.length).toBeGreaterThan(total / perSecond / secondsPerFault);
    });

    it("leave no lag, and no hole after verify", { timeout: LIMIT_MS }, async () => {
      await untilNoLag(300_000);
      const letters = await deadLetters(runner);
      if (letters.length > 0) {
        console.log(`dead letters: ${JSON.stringify(letters.slice(0, 5))}`);
        const redriven = await operate("dead-letters", "redrive");
        console.log(`redriven: ${redriven.out}${redriven.err}`);
      }
      await until(async () => {
        const { out, code } = await operate("verify", "--wait", "0");
        expect({ code, out }).toMatchObject({ code: 0 });
        expect(out).toContain("generation 1, ");
        expect(out).toContain("0 that say something else");
      }, 150_000);
    });

    it("are one entry each in the audit log", { timeout: LIMIT_MS }, async () => {
      const entries = await entriesOf(runner, "source=/task-app");
      const ids = published.map(({ id }) => id);
      expect(entries.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    });

    it("are mailed once each", { timeout: LIMIT_MS }, async () => {
      const expected = published.filter(({ isCreated }) => isCreated).map(({ id }) => id);
      const counts = (): Map<string, number> => {
        const counted = new Map<string, number>();
        for (const subject of smtp.subjects()) {
          const id = `fault-${/#(\d+)#/.exec(subject)?.[1]}`;
          counted.set(id, (counted.get(id) ?? 0) + 1);
        }
        return counted;
      };
      await until(
        () => expect([...counts().keys()].toSorted()).toEqual(expected.toSorted()),
        300_000,
      );
      const doubled = [...counts().values()].filter((count) => count > 1).length;
      // Between the mail server's answer and the commit: the one, the other or what is between them.
      const windows = happened.count(/ (?:notification|smtp|postgres|runner)$/);
      console.log(`mailed again: ${doubled} of ${expected.length}, in ${windows} windows`);
      expect(doubled).toBeLessThanOrEqual(windows * mailsInFlight);
    });

    it("are seen by every client", { timeout: LIMIT_MS }, async () => {
      for (const { user, follower } of followers) {
        const own = published.filter((event) => event.user === user).map(({ id }) => id);
        await until(() => {
          const missing = own.filter((id) => !follower.seen.has(id));
          const { connections, refusals } = follower;
          expect({ missing, connections, refusals }).toMatchObject({ missing: [] });
        }, 120_000);
      }
      const told = followers.map(
        ({ follower }) => `${follower.connections} (${follower.refusals})`,
      );
      console.log(`connections of each client, and those without recovery: ${told.join(", ")}`);
    });

    it("leave no process, file or connection behind", { timeout: LIMIT_MS }, async () => {
      const slack = 10;
      await until(async () => {
        const after = await usage();
        const isLeaking = {
          processes: after.processes > before.processes,
          files: after.files > before.files + slack,
          connections: after.connections > before.connections + slack,
        };
        expect({ before, after, isLeaking }).toMatchObject({
          isLeaking: { processes: false, files: false, connections: false },
        });
      }, 180_000);
      console.log(`before ${JSON.stringify(before)}, after ${JSON.stringify(await usage())}`);
      const pids = descendantsOf(runner.pid);
      expect(pids.length).toBeGreaterThan(8);
      for (const { follower } of followers) follower[Symbol.dispose]();
      await runner.kill("SIGTERM");
      await until(() => expect(pids.filter(isAlive)).toEqual([]));
      await until(async () =>
        expect(await countConnections(servers.variables["DATABASE_URL"] ?? "")).toBe(0),
      );
    });
  },
);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
