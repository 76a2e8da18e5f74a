/** `not`: the filter does not pass. One that throws stays thrown. */
import type { Filter } from "./filter.ts";

export const not =
  (filter: Filter): Filter =>
  (event) =>
    !filter(event);
