/** W3C trace context as Knative's data plane hands it on: the trace goes on, each hop is a span of its own. */
import { randomBytes } from "node:crypto";

const valid = /^(00-(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** For the next hop; undefined where the text is no trace context: then there is no trace, and no tracestate either. */
export function nextSpan(traceparent: string | undefined): string | undefined {
  const [, trace, flags] = valid.exec(traceparent ?? "") ?? [];
  return trace === undefined ? undefined : `${trace}-${randomBytes(8).toString("hex")}-${flags}`;
}
