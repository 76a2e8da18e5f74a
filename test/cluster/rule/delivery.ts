/** Whoever delivers says how, wholly: a partial block means 0 retries, and none at all drops what fails. */
import { isoDurationMs } from "../../../local/manifest/field/duration.ts";
import { at, isKnativeService, nameOf, type Resource } from "../resource.ts";

const DELIVERING = new Set(["KafkaSource", "Trigger", "Broker"]);
const SERVING_TIMEOUT_SECONDS = 300;

export const checkDeliveries = (resources: readonly Resource[]): string[] =>
  resources
    .filter(({ kind }) => DELIVERING.has(kind))
    .flatMap((resource) => [...absent(resource), ...outlasts(resource, resources)]);

/** What is there but not complete, and its budget of time, the runner's own checks say. */
const absent = (resource: Resource): string[] =>
  at(resource.spec, "delivery") === undefined ? [`${nameOf(resource)} has no delivery`] : [];

/** Serving would answer 504 before the dispatcher stops waiting: two clocks for one thing. */
function outlasts(resource: Resource, resources: readonly Resource[]): string[] {
  const timeout = at(resource.spec, "delivery", "timeout");
  const sink = at(resource.spec, "sink", "ref") ?? at(resource.spec, "subscriber", "ref");
  const service = resources.find(
    (it) => isKnativeService(it) && it.metadata.name === at(sink, "name"),
  );
  if (typeof timeout !== "string" || service === undefined) return [];
  const seconds =
    Number(at(service.spec, "template", "spec", "timeoutSeconds")) || SERVING_TIMEOUT_SECONDS;
  return (isoDurationMs(timeout) ?? 0) > seconds * 1_000
    ? [`${nameOf(resource)} waits ${timeout}, but ${nameOf(service)} is cut after ${seconds} s`]
    : [];
}
