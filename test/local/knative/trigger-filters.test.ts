/** The filters of a Trigger beside the recordings: what the webhook admits, and which events the subscriber gets. */
import { describe, expect, test } from "vitest";
import { toFilter } from "../../../local/knative/filter/filter.ts";
import { toOutgoing } from "../../../local/knative/trigger.ts";
import { faultsOf } from "../../../local/manifest/validate.ts";
import { checkTrigger, trigger, type Trigger } from "../../../local/manifest/kind/trigger.ts";
import { filterCaseName, splitByException } from "./exception.ts";
import { recordings, type FilterCase } from "./recording.ts";

const { same, different } = splitByException(
  "trigger-filters",
  recordings<FilterCase>("trigger-filters").map((it) => ({ ...it, name: filterCaseName(it) })),
);

test("no line of the recording is left out", () => {
  expect(same.length + different.length).toBe(928);
  expect(new Set([...same, ...different].map(toSpecText)).size).toBe(163);
});

const toSpecText = ({ filter, filters }: FilterCase) => JSON.stringify({ filter, filters });

describe("an event passes as recorded", () => {
  test.for(same.filter(({ event }) => event !== null))("$name", (recorded) => {
    expect(passes(recorded)).toBe(recorded.pass);
  });
});

/** The events of the recording are the records 0 to 5 of its topic. */
function passes({ filter, filters, event }: FilterCase): boolean {
  const { datacontenttype, ...attributes } = event ?? {};
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) headers[`ce_${name}`] = value;
  if (datacontenttype !== undefined) headers["content-type"] = datacontenttype;
  const offset = Number(event?.["id"]?.slice(1));
  const place = { topic: "t", partition: 0, offset, timestampMs: 0, key: null };
  const spec = { ...(filter && { filter }), ...(filters && { filters }) };
  const outgoing = toOutgoing({ ...place, headers, value: Buffer.from("{}") }, toFilter(spec), {
    namespace: "tasks",
    name: "trg",
  });
  return outgoing !== undefined && "request" in outgoing;
}

describe("the webhook's word on a filter", () => {
  const bySpec = (cases: readonly FilterCase[]) => [
    ...new Map(cases.map((it) => [toSpecText(it), it] as const)),
  ];

  test.for(bySpec(same))("%s", ([, recorded]) => {
    const sentences = sentencesOn(recorded);
    expect(sentences.length === 0).toBe(recorded.admitted);
    if (!recorded.admitted) expect(sentences.join()).toContain(causeOf(recorded.message));
  });

  test.for(bySpec(different))("%s, refused for its cesql", ([, recorded]) => {
    expect([...new Set(sentencesOn(recorded))]).toEqual([
      "cesql is not supported by the local runner, as there is no CESQL for Node: use exact, prefix, suffix, all, any and not in its place",
    ]);
  });
});

/** `validation failed: invalid key name "my-attr": spec.filters[0]…` → `invalid key name "my-attr"` */
const causeOf = (message = ""): string => message.split(": ")[1] ?? message;

function sentencesOn({ filter, filters }: FilterCase): string[] {
  const resource = {
    apiVersion: "eventing.knative.dev/v1",
    kind: "Trigger",
    metadata: { name: "trg" },
    spec: {
      broker: "default",
      ...(filter && { filter }),
      ...(filters && { filters }),
      subscriber: { uri: "http://subscriber.example" },
    },
  };
  const faults = faultsOf(trigger, resource);
  if (faults.length > 0) return faults.map(({ sentence }) => sentence);
  // Checked against its schema two lines above.
  const read = { ...resource, at, placeOf: () => at } as unknown as Trigger;
  return [...checkTrigger(read)]
    .filter(({ isWarning }) => !isWarning)
    .map(({ sentence }) => sentence);
}

const at = { file: "trigger.yaml", line: 1 };
