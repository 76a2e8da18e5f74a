/** Alarms and dashboards ask for what there is: each name and label against the metrics ports of what runs. */
import { describe, expect, it } from "vitest";
import { startExporter } from "../../../cli/exporter.ts";
import { readExporterEnv } from "../../../cli/exporter/env.ts";
import { migrations as auditLog } from "../../../functions/audit-log/migrations.ts";
import { migrations as notification } from "../../../functions/notification/migrations.ts";
import { migrations as recurringTask } from "../../../functions/recurring-task/migrations.ts";
import { openKafka } from "../../../lib/kafka/client.ts";
import { deliver, startAuditLog } from "../../functions/audit-log/setup.ts";
import { RegistryServer } from "../../functions/audit-log/schema/registry-server.ts";
import { startScene } from "../../functions/notification/scene.ts";
import { startHarness } from "../../functions/recurring-task/harness.ts";
import { WsClient } from "../../functions/websocket-gateway/fixture/client.ts";
import { World } from "../../functions/websocket-gateway/fixture/world.ts";
import { startTestDatabase, type TestDatabase } from "../../support/postgres.ts";
import { readBase, readText } from "../resource.ts";
import { addExposed, type Exposed } from "./exposed.ts";
import {
  groupingOf,
  isTwin,
  readAlerts,
  readQueries,
  type Selector,
  selectorsOf,
} from "./query.ts";

const queries = readQueries();
const alerts = readAlerts();

/** Prometheus adds them, by the PodMonitors. */
const ADDED = new Set(["pod", "namespace", "job", "instance", "container"]);

/** https://github.com/kubernetes/kube-state-metrics/blob/main/docs/metrics/workload/cronjob-metrics.md */
const OF_KUBERNETES = "kube_cronjob_status_last_successful_time";

describe("alarms", () => {
  it("are each watched themselves: one more tells that their figure is not there", () => {
    const watched = alerts
      .filter(isTwin)
      .flatMap(({ expr }) => selectorsOf(expr).filter(({ isAbsent }) => isAbsent));
    // A twin asks for no other series than its alarm.
    const isWatched = ({ metric, matchers }: Selector): boolean =>
      watched.some(
        (twin) =>
          twin.metric === metric &&
          twin.matchers.every(({ label, value }) =>
            matchers.every((it) => it.label !== label || it.value.split("|").includes(value)),
          ),
      );
    const unwatched = alerts
      .filter((alert) => !isTwin(alert))
      .filter(({ expr }) => !selectorsOf(expr).every(isWatched));
    expect(unwatched).toEqual([]);
    expect(alerts.length).toBeGreaterThan(30);
  });

  it("are each explained to whom they wake", () => {
    const guide = readText("docs/operating.md");
    const silent = alerts.filter((it) => !isTwin(it)).filter(({ alert }) => !guide.includes(alert));
    expect(silent.map(({ alert }) => alert)).toEqual([]);
  });

  it("about CronJobs name those that there are", () => {
    const cronJobs = [
      ...readBase().filter(({ kind }) => kind === "CronJob"),
      { metadata: { name: "backup" } },
    ].map(({ metadata }) => metadata.name);
    const named = queries
      .flatMap(({ expression }) => selectorsOf(expression))
      .filter(({ metric }) => metric === OF_KUBERNETES)
      .flatMap(({ matchers }) => matchers.filter(({ label }) => label === "cronjob"));
    expect(new Set(named.map(({ value }) => value))).toEqual(new Set(cronJobs));
  });
});

describe("what runs", { timeout: 120_000 }, () => {
  const exposed: Exposed = new Map();
  const look = async (url: string): Promise<void> =>
    addExposed(exposed, await (await fetch(url)).text());

  it("tells each metric that is asked for, with each label", async () => {
    await using database = await startTestDatabase(auditLog, notification, recurringTask);
    await lookAtAuditLog(database);
    await lookAtNotification();
    await lookAtRecurringTask();
    await lookAtGatewayAndExporter(database);
    exposed.set(
      OF_KUBERNETES,
      new Map([
        ["namespace", new Set(["default"])],
        ["cronjob", new Set(["backup", "verify"])],
      ]),
    );
    expect(queries.flatMap(mistakesIn)).toEqual([]);
    expect(queries.length).toBeGreaterThan(80);
  });

  function mistakesIn({ place, expression, labels }: (typeof queries)[number]): string[] {
    return selectorsOf(expression).flatMap(({ metric, matchers }) => {
      const told = exposed.get(metric);
      if (told === undefined) return [`${place}: nobody tells ${metric}`];
      const wanted = [...labels, ...groupingOf(expression), ...matchers.map(({ label }) => label)];
      const missing = wanted.filter((label) => !told.has(label) && !ADDED.has(label));
      const unmatched = matchers.filter(
        ({ label, value }) =>
          !value
            .split("|")
            .every((form) =>
              [...(told.get(label) ?? [])].some((it) => new RegExp(`^(?:${form})$`).test(it)),
            ),
      );
      return [
        ...missing.map((label) => `${place}: ${metric} has no label ${label}`),
        ...unmatched.map(({ label, value }) => `${place}: no ${metric} has ${label} ${value}`),
      ];
    });
  }

  async function lookAtAuditLog(database: TestDatabase): Promise<void> {
    await using log = await startAuditLog(database.url);
    await deliver(log.url, { partition: 0, offset: 0 });
    await look(log.metricsUrl);
  }

  async function lookAtNotification(): Promise<void> {
    const scene = await startScene();
    const replica = await scene.start();
    await replica.put("u1", { email: "u1@example.test" });
    await replica.post({});
    await expect.poll(async () => (await replica.ledger())[0]?.state).toBe("sent");
    await look(replica.metricsUrl);
  }

  async function lookAtRecurringTask(): Promise<void> {
    const { ping, replica } = await startHarness();
    await ping();
    await look(replica.metricsUrl);
  }

  async function lookAtGatewayAndExporter(database: TestDatabase): Promise<void> {
    await using world = await World.start();
    const gateway = await world.gateway("websocket-gateway-0");
    const stranger = new WsClient(gateway.url, { token: "none" });
    await stranger.untilClosed();
    await world.publish([{ id: "e1" }]);
    await look(gateway.function.metricsUrl);
    await using server = await RegistryServer.start({ isSecure: true });
    const admin = openKafka({ brokers: world.kafka.address, clientId: "test" }).admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: "task-events-dead-letters" }] });
    await admin.disconnect();
    await using exporter = await startExporter(
      readExporterEnv({
        DATABASE_URL: database.urlOf("monitor"),
        KAFKA_BROKER: world.kafka.address,
        CERTIFICATES: `127.0.0.1:${server.port}`,
        HOST: "127.0.0.1",
        METRICS_PORT: "0",
        LOG_LEVEL: "silent",
      }),
    );
    await expect
      .poll(async () => (await fetch(`${exporter.url}/health/readiness`)).status, {
        timeout: 20_000,
      })
      .toBe(200);
    await look(`${exporter.url}/metrics`);
  }
});
