/** W3C trace context: taken from the delivery, else from the event; passed on with every effect. */

const traceparentForm = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/;

/** A valid traceparent, or undefined: a broken one starts nothing. */
export function traceparentOf(
  header: string | string[] | undefined,
  extension: string | undefined,
): string | undefined {
  if (isTraceparent(header)) return header;
  return isTraceparent(extension) ? extension : undefined;
}

const isTraceparent = (value: unknown): value is string =>
  typeof value === "string" && traceparentForm.test(value);

export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparentForm.exec(traceparent ?? "")?.[1];

export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  /** The lowest bit: sampled. */
  readonly traceFlags: number;
}

/** Undefined where there is none, and where it names nothing: all zeros. */
export function parseTraceparent(traceparent: string | undefined): TraceParent | undefined {
  const [, traceId = "", spanId = "", flags = ""] = traceparentForm.exec(traceparent ?? "") ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

export const formatTraceparent = ({ traceId, spanId, traceFlags }: TraceParent): string =>
  `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
