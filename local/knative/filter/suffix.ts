/** `suffix`: each attribute ends with that text. */
import { attributes } from "./attribute.ts";
import type { Filter } from "./filter.ts";

export const suffix = (wanted: Readonly<Record<string, string>>): Filter =>
  attributes(wanted, (given, value) => given.endsWith(value));
