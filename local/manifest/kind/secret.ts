/** Secret (v1), where the YAML brings one itself. */
import { type Fault, fault } from "../fault.ts";
import { type Static } from "typebox";
import { closed, clusterOnly, optional, textMap } from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

export const secret = closed({
  ...head("v1", "Secret"),
  type: clusterOnly(),
  immutable: clusterOnly(),
  /** Values in base64. */
  data: optional(textMap()),
  stringData: optional(textMap()),
});

export type Secret = Resource<Static<typeof secret>>;

export function* checkSecret({ data = {} }: Secret): Iterable<Fault> {
  for (const [key, value] of Object.entries(data)) {
    if (Buffer.from(value, "base64").toString("base64") !== value.replaceAll(/\s/g, "")) {
      yield fault(["data", key], `data.${key} is not base64`);
    }
  }
}
