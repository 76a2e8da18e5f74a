/** `prefix`: each attribute begins with that text. */
import { attributes } from "./attribute.ts";
import type { Filter } from "./filter.ts";

export const prefix = (wanted: Readonly<Record<string, string>>): Filter =>
  attributes(wanted, (given, value) => given.startsWith(value));
