/** `exact`, and the older `filter.attributes`: each attribute is that text, with its case. */
import { attributes } from "./attribute.ts";
import type { Filter } from "./filter.ts";

export const exact = (wanted: Readonly<Record<string, string>>): Filter =>
  attributes(wanted, (given, value) => given === value);
