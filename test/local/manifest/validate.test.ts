/** Which fields are said to be known where one is not. */
import { expect, it } from "vitest";
import { trigger } from "../../../local/manifest/kind/trigger.ts";
import { faultsOf } from "../../../local/manifest/validate.ts";

const faultsOfTrigger = (spec: object) =>
  faultsOf(trigger, {
    apiVersion: "eventing.knative.dev/v1",
    kind: "Trigger",
    metadata: { name: "t" },
    spec: { broker: "task-events", subscriber: { uri: "http://127.0.0.1" }, ...spec },
  }).map(({ sentence }) => sentence);

it.each([
  ["filters[0]", [{ regex: { type: "a" } }]],
  ["filters[0].all[0].not", [{ all: [{ not: { regex: { type: "a" } } }] }]],
])("the dialects, in a filter at %s", (place, filters) => {
  expect(faultsOfTrigger({ filters })).toEqual([
    `unknown field spec.${place}.regex (known here: all, any, cesql, exact, not, prefix, suffix)`,
  ]);
});

it("no field that would be refused in its turn", () => {
  expect(faultsOfTrigger({ brokerRefs: {} })).toEqual([
    "unknown field spec.brokerRefs (known here: broker, delivery, filter, filters, subscriber)",
  ]);
  expect(faultsOfTrigger({ brokerRef: {} })).toEqual([
    "spec.brokerRef is not supported by the local runner",
  ]);
});
