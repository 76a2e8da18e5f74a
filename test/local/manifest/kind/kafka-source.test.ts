/** What labels and annotations ask of a KafkaSource or a Trigger, and the runner does not do. */
import { expect, it } from "vitest";
import { toLine } from "../../../../local/manifest/error.ts";
import { readManifest } from "../../../../local/manifest/read.ts";
import { copyManifest } from "../../manifest-copy.ts";

const SOURCE = "eventing/kafka-source-audit-log.yaml";
const KEY_TYPE = "kafkasources.sources.knative.dev/key-type";
const TRIGGER = `---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: t
  annotations: { autoscaling.eventing.knative.dev/class: disabled }
spec: { broker: task-events, subscriber: { uri: http://127.0.0.1 } }
`;

function read(file: string, from: string | RegExp, to: string) {
  using copy = copyManifest().edit(file, from, to);
  const { problems, warnings } = readManifest(copy.root);
  return { problems: problems.map(toLine), warnings: warnings.map(toLine) };
}

it("keys are text: that of another type is refused", () => {
  const to = (type: string) => `labels:\n    ${KEY_TYPE}: ${type}\n`;
  expect(read(SOURCE, "labels:\n", to("string"))).toEqual({ problems: [], warnings: [] });
  expect(read(SOURCE, "labels:\n", to("int")).problems).toEqual([
    `${SOURCE}:8: ${KEY_TYPE} must be string here, not "int"`,
  ]);
});

it("KEDA's annotations have no effect, and are told so", () => {
  const annotation = "autoscaling.eventing.knative.dev/min-scale";
  const sentence = "has no effect here: KEDA scales the dispatcher's Pods, in the cluster";
  expect(
    read(SOURCE, "spec:\n", `  annotations:\n    ${annotation}: "0"\nspec:\n`).warnings,
  ).toEqual([`${SOURCE}:12: ${annotation} ${sentence}`]);
  expect(read("eventing/broker-task-events.yaml", /$/, TRIGGER).warnings).toEqual([
    expect.stringMatching(/: autoscaling\.eventing\.knative\.dev\/class has no effect here/),
  ]);
});
