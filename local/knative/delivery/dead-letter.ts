/** A dead letter: the undelivered event, with what its subscriber answered as extensions. */
import type { SinkAnswer, SinkRequest } from "./http-sender.ts";

const maxErrorDataBytes = 1024;
const tagPrefix = "kne-";

/**
 * Answer headers `kne-<name>` become the extension `<name>`. Such a name outside a-z0-9 makes the dispatcher throw
 * where nothing catches it: the record is never finished.
 */
export class IllegalTagError extends Error {
  override readonly name = "IllegalTagError";

  constructor(header: string) {
    super(`the answer has a header ${header}: only a-z and 0-9 may follow "kne-"`);
  }
}

export function toDeadLetter(sent: SinkRequest, sinkUrl: string, answer: SinkAnswer): SinkRequest {
  const headers: Record<string, string> = { ...sent.headers, "ce-knativeerrordest": sinkUrl };
  // The builder that the dispatcher copies the event with knows only this version.
  headers["ce-specversion"] = "1.0";
  if (answer.status !== null) {
    headers["ce-knativeerrorcode"] = String(answer.status);
    const data = answer.body.subarray(0, maxErrorDataBytes);
    if (data.length > 0) headers["ce-knativeerrordata"] = data.toString("base64");
    Object.assign(headers, tags(answer.headers));
  }
  return { headers, body: sent.body };
}

function tags(headers: ReadonlyMap<string, string>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [header, value] of headers) {
    if (!header.startsWith(tagPrefix)) continue;
    const name = header.slice(tagPrefix.length);
    if (!/^[a-z0-9]+$/.test(name)) throw new IllegalTagError(header);
    found[name === "datacontenttype" ? "content-type" : `ce-${name}`] = value;
  }
  return found;
}
