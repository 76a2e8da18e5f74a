/** A record's headers as HTTP headers: any value arrives as it was, and none can pass for the sidecar's own. */
import type { IHeaders } from "kafkajs";
import { describe, expect, it } from "vitest";
import { fromSidecar } from "../../../functions/websocket-gateway/topic/sidecar-record.ts";
import type { Pod } from "./pod.ts";

const wrapped = Buffer.from("{}");

export function headerTests(getPod: () => Pod): void {
  describe("headers", () => {
    it.each<[string, Buffer]>([
      ["a newline", Buffer.from("a\r\nb: c\n")],
      ["UTF-8", Buffer.from("grün 🚀")],
      ["blanks, plus and percent", Buffer.from(" a b+c%2520 ")],
      ["bytes that are no UTF-8", Buffer.from([0xff, 0x41, 0x00])],
      ["every byte", Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
      ["nothing", Buffer.alloc(0)],
      ["20,000 bytes", Buffer.alloc(20_000, "ü")],
    ])("carries a value and a key with %s", async (_, bytes) => {
      const place = await getPod().send({ key: bytes, value: "1", headers: { ce_id: bytes } });
      const { headers } = await getPod().received(place);
      const record = fromSidecar(headers, wrapped);
      expect(record.headers["ce_id"]).toEqual(bytes);
      expect(record.key ?? Buffer.alloc(0)).toEqual(bytes);
      expect(record).toMatchObject({ topic: "task-events", ...place });
    });

    it.each<[string, IHeaders]>([
      ["blanks and colons in a name", { "a b": "1", "c:d": "2", "e\r\nf": "3", ünï: "4" }],
      ["no name", { "": "1" }],
      ["a place of its own", { __offset: "999", __partition: "7", __topic: "other", __key: "k" }],
      ["a place in capitals", { __OFFSET: "999", __Topic: "other" }],
      ["a connection's fields", { connection: "close", "transfer-encoding": "chunked", te: "x" }],
      ["a length and a host", { "content-length": "1", host: "evil.example", expect: "x" }],
      ["another type of content", { "content-type": "text/plain", "Content-Encoding": "gzip" }],
      ["a token and an origin", { "dapr-api-token": "x", origin: "https://evil.example" }],
      ["a browser's fields", { "sec-fetch-site": "cross-site", cookie: "a=b" }],
      ["a trace that is none", { traceparent: "nonsense", tracestate: ",,," }],
    ])("hands over a record that brings %s, at its true place", async (_, headers) => {
      const pod = getPod();
      const place = await pod.send({ value: "1", headers: { ...headers, ce_id: "yes" } });
      const delivered = await pod.received(place);
      expect(delivered.headers).toMatchObject({
        "content-type": "application/cloudevents+json",
        "dapr-api-token": pod.appApiToken,
        __topic: "task-events",
        __partition: String(place.partition),
        __offset: String(place.offset),
        ce_id: "yes",
      });
      expect(delivered.headers["origin"]).toBeUndefined();
      expect(delivered.headers["sec-fetch-site"]).toBeUndefined();
    });
  });
}
