/** W3C trace context: taken from the delivery, else from the event; passed on with every effect. */

const traceparentForm = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/;

/** A valid traceparent, or undefined: a broken one starts nothing. */
export function traceparentOf(
  header: string | string[] | undefined,
  extension: string | undefined,
): string | undefined {
  for (const value of [header, extension]) {
    if (typeof value === "string" && traceparentForm.test(value)) return value;
  }
  return undefined;
}

export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparentForm.exec(traceparent ?? "")?.[1];
