/** Which events a Trigger wants: `spec.filters`, or where that has none `spec.filter`, as one predicate. */
import { all } from "./all.ts";
import { any } from "./any.ts";
import type { FilteredEvent } from "./attribute.ts";
import { exact } from "./exact.ts";
import { not } from "./not.ts";
import { prefix } from "./prefix.ts";
import { suffix } from "./suffix.ts";

/** Throws an UnreadableAttributeError where the dispatcher does: the event is dropped, whatever is around the filter. */
export type Filter = (event: FilteredEvent) => boolean;

type Attributes = Readonly<Record<string, string>>;

/** An entry of `filters`. The webhook allows one dialect in each; the dispatcher would take several for all of them. */
export interface FilterSpec {
  readonly exact?: Attributes;
  readonly prefix?: Attributes;
  readonly suffix?: Attributes;
  readonly all?: readonly FilterSpec[];
  readonly any?: readonly FilterSpec[];
  readonly not?: FilterSpec;
  /** Only the empty one, which is none: the others are refused when the YAML is read. */
  readonly cesql?: string;
}

export interface TriggerFilterSpec {
  readonly filter?: { readonly attributes?: Attributes };
  readonly filters?: readonly FilterSpec[];
}

export function toFilter({ filter, filters = [] }: TriggerFilterSpec): Filter {
  return filters.length > 0 ? all(filters.map(fromSpec)) : exact(filter?.attributes ?? {});
}

/** An empty list is no dialect: `any` of nothing passes everything. */
function fromSpec(spec: FilterSpec): Filter {
  const found: Filter[] = [];
  if (spec.all?.length) found.push(all(spec.all.map(fromSpec)));
  if (spec.any?.length) found.push(any(spec.any.map(fromSpec)));
  if (spec.not) found.push(not(fromSpec(spec.not)));
  if (spec.exact) found.push(exact(spec.exact));
  if (spec.prefix) found.push(prefix(spec.prefix));
  if (spec.suffix) found.push(suffix(spec.suffix));
  return all(found);
}
