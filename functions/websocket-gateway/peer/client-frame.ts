/** What a client may send on its WebSocket. */
import type { RawData } from "ws";
import { isObject } from "../../../lib/events/structured.ts";
import { parseJson } from "../../../lib/events/json.ts";
import { type CloseCode, closeCode } from "./peer.ts";

export type ClientFrame =
  | { readonly kind: "ack"; readonly cursor: string }
  /** A type that this version does not know: newer clients may send it. */
  | { readonly kind: "other" }
  | { readonly kind: "wrong"; readonly code: CloseCode; readonly reason: string };

export function parseClientFrame(data: RawData, isBinary: boolean): ClientFrame {
  if (isBinary) return wrong(closeCode.unsupportedData, "frames are text");
  const parsed = parseJson(toBuffer(data));
  if (!("value" in parsed) || !isObject(parsed.value)) {
    return wrong(closeCode.notText, "a frame is one JSON object");
  }
  const { type, cursor } = parsed.value;
  return type === "ack" && typeof cursor === "string" ? { kind: "ack", cursor } : { kind: "other" };
}

const toBuffer = (data: RawData): Buffer =>
  Array.isArray(data) ? Buffer.concat(data) : Buffer.isBuffer(data) ? data : Buffer.from(data);

const wrong = (code: CloseCode, reason: string): ClientFrame => ({ kind: "wrong", code, reason });
