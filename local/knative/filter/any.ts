/** `any`: one filter passes. What follows it is not looked at, so it cannot throw. */
import type { Filter } from "./filter.ts";

export const any =
  (filters: readonly Filter[]): Filter =>
  (event) =>
    filters.some((filter) => filter(event));
