/** `all`: every filter passes. What follows the first that does not is not looked at, so it cannot throw. */
import type { Filter } from "./filter.ts";

export const all =
  (filters: readonly Filter[]): Filter =>
  (event) =>
    filters.every((filter) => filter(event));
