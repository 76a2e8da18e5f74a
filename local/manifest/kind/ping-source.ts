/** PingSource (sources.knative.dev/v1). */
import { type Static } from "typebox";
import { checkDestination, destination } from "../field/delivery.ts";
import { type Fault, fault } from "../fault.ts";
import { closed, optional, text, textMap } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";
import { isTimeZone, scheduleFault } from "../field/schedule.ts";

export const pingSource = closed({
  ...head("sources.knative.dev/v1", "PingSource"),
  spec: closed({
    schedule: optional(text()),
    timezone: optional(text()),
    contentType: optional(text()),
    data: optional(text()),
    dataBase64: optional(text()),
    ceOverrides: optional(closed({ extensions: optional(textMap()) })),
    sink: destination,
  }),
});

export type PingSource = Resource<Static<typeof pingSource>>;

export const DEFAULT_SCHEDULE = "* * * * *";

export function* checkPingSource({ spec }: PingSource): Iterable<Fault> {
  yield* checkDestination(spec.sink, ["spec", "sink"]);
  const { schedule = DEFAULT_SCHEDULE, timezone } = spec;
  const wrong = scheduleFault(schedule, [5, 6]);
  if (wrong !== null) {
    yield fault(["spec", "schedule"], `schedule "${schedule}" is no cron schedule: ${wrong}`);
  }
  if (timezone !== undefined && !isTimeZone(timezone)) {
    yield fault(["spec", "timezone"], `timezone "${timezone}" is no IANA time zone`);
  }
  yield* checkData(spec);
  for (const name of Object.keys(spec.ceOverrides?.extensions ?? {})) {
    if (/^[a-z0-9]+$/.test(name)) continue;
    const path = ["spec", "ceOverrides", "extensions", name];
    yield fault(path, `"${name}" is no name of an extension: only a-z and 0-9 are`);
  }
}

function* checkData({ data, dataBase64, contentType }: PingSource["spec"]): Iterable<Fault> {
  if (data !== undefined && dataBase64 !== undefined) {
    yield fault(["spec", "dataBase64"], "data and dataBase64 exclude each other");
  }
  if (dataBase64 !== undefined && !isBase64(dataBase64)) {
    yield fault(["spec", "dataBase64"], "dataBase64 is not base64");
  }
  if (data !== undefined && contentType === "application/json" && !isJsonObject(data)) {
    yield fault(["spec", "data"], "data must be a JSON object, as contentType is application/json");
  }
}

const isBase64 = (text: string): boolean => Buffer.from(text, "base64").toString("base64") === text;

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
