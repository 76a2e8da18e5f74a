/** The frames of the gateway, its query and its close codes. */
import { cursorCodec } from "../../functions/websocket-gateway/access/cursor.ts";
import { closeCode } from "../../functions/websocket-gateway/peer/peer.ts";
import { sseEncoding } from "../../functions/websocket-gateway/peer/frame.ts";
import type { Json } from "./attribute.ts";
import { examplesOf } from "./example.ts";

const cursor = {
  type: "string",
  pattern: "^[\\w.-]+$",
  description: "A point of the topic, opaque: kept by the client, and given to resume from there.",
};

const frame = (type: string, members: Json, optional: Json = {}): Json => ({
  type: "object",
  required: ["type", ...Object.keys(members)],
  properties: { type: { type: "string", const: type }, ...members, ...optional },
});

const exampleCursor = cursorCodec(["only for the example in the document"]).sign("1", [7, 0, 12]);
const encoding = sseEncoding();
const dataOf = (message: Buffer): unknown =>
  JSON.parse(message.toString("utf8").split("\ndata: ")[1] ?? "");

function eventExamples(): unknown[] {
  return examplesOf("task.created").map(({ attributes, data }) => {
    const event = { ...attributes, datacontenttype: "application/json", data };
    return { payload: dataOf(encoding.event(exampleCursor, Buffer.from(JSON.stringify(event)))) };
  });
}

export const frameMessages = (): Json => ({
  hello: {
    summary: "The first frame of a connection.",
    contentType: "application/json",
    payload: frame(
      "hello",
      { cursor },
      {
        recovered: {
          type: "boolean",
          description:
            "There where a cursor was given, or a device's was looked for. False: fetch your state anew, events come from now on.",
        },
      },
    ),
    examples: [
      { payload: dataOf(encoding.hello(exampleCursor, undefined)) },
      { payload: dataOf(encoding.hello(exampleCursor, true)) },
    ],
  },
  event: {
    summary: "An event of the user, as it is on the topic.",
    contentType: "application/json",
    payload: frame("event", { cursor, event: { $ref: "#/components/schemas/event" } }),
    examples: eventExamples(),
  },
  ack: {
    summary: "The client has seen all events up to the cursor: kept for its device.",
    description: "Other types of client frames are ignored.",
    contentType: "application/json",
    payload: frame("ack", { cursor }),
    examples: [{ payload: { type: "ack", cursor: exampleCursor } }],
  },
});

const queryOf = (properties: Json): Json => ({ type: "object", properties });

const asked = {
  cursor: { type: "string", description: "Resume behind it." },
  user_id: {
    type: "string",
    minLength: 1,
    maxLength: 256,
    description: "Whose events: of admins alone.",
  },
};

export const webSocketQuery = queryOf({
  ...asked,
  device: {
    type: "string",
    pattern: "^[\\w.~:-]{1,64}$",
    description:
      "Keeps the acknowledged cursor under this name; a second connection ends the first.",
  },
});

export const sseQuery = queryOf({
  ...asked,
  ticket: { type: "string", description: "Of POST /tickets, in place of a token." },
});

const meanings: Readonly<Record<keyof typeof closeCode, string>> = {
  unsupportedData: "a client frame is binary",
  notText: "a client frame is no JSON object",
  restart: "the gateway restarts, or cannot read on: resume",
  unauthorized: "no token, or a wrong one",
  forbidden: "not that user's",
  tooSlow: "the client reads too slowly",
  replaced: "replaced by the same device",
  tooMany: "too many connections of the user",
  expired: "the token has expired",
};

export const closeCodes = (): Json => ({
  ...Object.fromEntries(
    Object.entries(meanings).map(([name, meaning]) => [
      closeCode[name as keyof typeof closeCode],
      meaning,
    ]),
  ),
  // By the WebSocket library itself.
  1009: "a client frame is over 16 KiB",
});
