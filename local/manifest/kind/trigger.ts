/** Trigger (eventing.knative.dev/v1), checked as Knative's webhook does. */
import { type Static, Type } from "typebox";
import type { FilterSpec } from "../../knative/filter/filter.ts";
import { closed, list, name, optional, text, textMap } from "../field/closed.ts";
import { checkDelivery, checkDestination, delivery, destination } from "../field/delivery.ts";
import { checkKeda, head } from "../field/metadata.ts";
import { type Fault, fault, warning } from "../fault.ts";
import type { FieldPath, Resource } from "../resource.ts";

const entry = Type.Ref("Filter");
const filter = Type.Cyclic(
  {
    Filter: closed({
      exact: optional(textMap()),
      prefix: optional(textMap()),
      suffix: optional(textMap()),
      all: optional(list(entry)),
      any: optional(list(entry)),
      not: optional(entry),
      cesql: optional(text()),
    }),
  },
  "Filter",
);

export const trigger = closed({
  ...head("eventing.knative.dev/v1", "Trigger"),
  spec: closed(
    {
      broker: name(),
      filter: optional(closed({ attributes: optional(textMap()) })),
      filters: optional(list(filter)),
      subscriber: destination,
      delivery: optional(delivery),
    },
    ["brokerRef"],
  ),
});

export type Trigger = Resource<Static<typeof trigger>>;

export const ORDER_ANNOTATION = "kafka.eventing.knative.dev/delivery.order";

export function* checkTrigger({ metadata, spec }: Trigger): Iterable<Fault> {
  yield* checkDestination(spec.subscriber, ["spec", "subscriber"]);
  yield* checkAttributes(spec.filter?.attributes ?? {}, ["spec", "filter", "attributes"]);
  yield* checkFilters(spec.filters ?? [], ["spec", "filters"]);
  if (spec.filters?.length && spec.filter !== undefined) {
    yield warning(["spec", "filter"], "filters overrides filter, which has no effect");
  }
  if (spec.delivery !== undefined) yield* checkDelivery(spec.delivery, ["spec", "delivery"]);
  yield* checkAnnotations(metadata.annotations ?? {});
  yield* checkKeda(metadata.annotations);
}

/** The one makes a Broker, the other waits for a resource. */
const NOT_SUPPORTED = ["eventing.knative.dev/injection", "knative.dev/dependency"];

function* checkAnnotations(annotations: Readonly<Record<string, string>>): Iterable<Fault> {
  for (const [annotation, value] of Object.entries(annotations)) {
    const path = ["metadata", "annotations", annotation];
    if (annotation === ORDER_ANNOTATION) {
      if (orderingOf(annotations) === undefined) {
        yield fault(path, `${annotation} must be one of ordered, unordered, not "${value}"`);
      }
    } else if (NOT_SUPPORTED.includes(annotation)) {
      yield fault(path, `${annotation} is not supported by the local runner`);
    } else if (annotation.startsWith("kafka.eventing.knative.dev/")) {
      yield warning(path, `${annotation} means nothing to a Trigger (known: ${ORDER_ANNOTATION})`);
    }
  }
}

/** Undefined where the controller refuses the value. It does not look at its case. */
export function orderingOf(
  annotations: Readonly<Record<string, string>> = {},
): "ordered" | "unordered" | undefined {
  const ordering = annotations[ORDER_ANNOTATION]?.toLowerCase() ?? "unordered";
  return ordering === "ordered" || ordering === "unordered" ? ordering : undefined;
}

function* checkFilters(filters: readonly FilterSpec[], path: FieldPath): Iterable<Fault> {
  for (const [index, entry] of filters.entries()) yield* checkFilter(entry, [...path, index]);
}

function* checkFilter(filter: FilterSpec, path: FieldPath): Iterable<Fault> {
  const [, second] = dialectsOf(filter);
  if (second !== undefined) {
    const sentence = "multiple dialects found, filters can have only one dialect set";
    yield fault([...path, second], `${sentence}: a list in "all" has room for the others`);
  }
  for (const dialect of ["exact", "prefix", "suffix"] as const) {
    yield* checkAttributes(filter[dialect] ?? {}, [...path, dialect]);
  }
  yield* checkFilters(filter.all ?? [], [...path, "all"]);
  yield* checkFilters(filter.any ?? [], [...path, "any"]);
  if (filter.not !== undefined) yield* checkFilter(filter.not, [...path, "not"]);
  if (filter.cesql) {
    const instead = "use exact, prefix, suffix, all, any and not in its place";
    yield fault(
      [...path, "cesql"],
      `cesql is not supported by the local runner, as there is no CESQL for Node: ${instead}`,
    );
  }
}

/** As the webhook counts them: what is empty is none. */
const dialectsOf = (filter: FilterSpec): string[] =>
  Object.entries(filter)
    .filter(([dialect, value]) => dialect === "not" || Object.keys(value).length > 0)
    .map(([dialect]) => dialect);

function* checkAttributes(
  attributes: Readonly<Record<string, string>>,
  path: FieldPath,
): Iterable<Fault> {
  for (const attribute of Object.keys(attributes)) {
    if (/^[a-z][a-z0-9]*$/.test(attribute)) continue;
    yield fault(
      [...path, attribute],
      `invalid key name "${attribute}": an attribute's name starts with a letter and has only a-z and 0-9`,
    );
  }
}
