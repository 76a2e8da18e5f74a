/** The sentence about a taken port. */
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { UsageError } from "../../../lib/host/error.ts";
import { readPorts } from "../../../local/address.ts";
import { listenOnLoopback } from "../../../local/process/front/front.ts";
import { freePort } from "../../../local/process/replica/free-port.ts";
import { checkPorts, requireFreePorts } from "../../../local/start/port.ts";
import { createServer as createHttpServer } from "node:http";

const SERVICES = ["notification", "audit-log", "other"];

it("says which port is taken and which variable moves it", async () => {
  await using server = createHttpServer();
  const taken = await listenOnLoopback(server, 0);
  const ports = {
    broker: await freePort(),
    console: await freePort(),
    kafka: 0,
    services: { "audit-log": taken },
  };
  await expect(requireFreePorts(ports, { kafka: true })).rejects.toThrow(
    `Port ${String(taken)} (audit-log) is taken: stop what listens there, or choose another, e.g. AUDIT_LOG_PORT=`,
  );
});

it("does not ask for Kafka's port where a real Kafka is used", async () => {
  await using server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const kafka = typeof address === "object" ? (address?.port ?? 0) : 0;
  const ports = { broker: 0, console: 0, kafka, services: {} };
  await requireFreePorts(ports, { kafka: false });
  await expect(requireFreePorts(ports, { kafka: true })).rejects.toThrow("KAFKA_PORT");
});

it("has the fixed ports, moved by variables, and gives the next ones to other services", () => {
  expect(readPorts(SERVICES, { BROKER_PORT: "9000" })).toEqual({
    broker: 9000,
    console: 8090,
    kafka: 9092,
    services: { notification: 8001, "audit-log": 8003, other: 8005 },
  });
});

it("refuses what is no port, and one port for two, said once", () => {
  const env = { NOTIFICATION_PORT: "eighty", KAFKA_PORT: "-1", CONSOLE_PORT: "8003" };
  const ports = readPorts(SERVICES, env);
  const both = "CONSOLE_PORT and AUDIT_LOG_PORT are both 8003.";
  const noPort = (variable: string) => `${variable} must be a port number from 1 to 65535.`;
  const sentences = [both, noPort("KAFKA_PORT"), noPort("NOTIFICATION_PORT")];
  expect(() => checkPorts(ports, { kafka: true })).toThrow(new UsageError(sentences.join("\n")));
  const ofAnother = sentences.toSpliced(1, 1).join("\n");
  expect(() => checkPorts(ports, { kafka: false })).toThrow(new UsageError(ofAnother));
});
