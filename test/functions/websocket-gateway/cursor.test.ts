/** Cursors: compact, signed, good under a key that was replaced. */
import { array, assert, nat, property, string } from "fast-check";
import { expect, it } from "vitest";
import { cursorCodec } from "../../../functions/websocket-gateway/access/cursor.ts";

const [oldKey, newKey] = ["o".repeat(32), "n".repeat(32)];

it("gives back what was signed, whatever the offsets and the generation", () => {
  const codec = cursorCodec([newKey]);
  const offsets = array(nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 40 });
  assert(
    property(string({ maxLength: 200, unit: "grapheme" }), offsets, (generation, vector) => {
      const text = codec.sign(generation, vector);
      expect(text).toMatch(/^[\w-]+$/);
      expect(codec.verify(text)).toEqual({ generation, offsets: vector, proof: null });
    }),
  );
});

it("is short: 12 partitions at a million records each in under 150 characters", () => {
  const text = cursorCodec([newKey]).sign(
    crypto.randomUUID(),
    Array(12).fill(1_000_000) as number[],
  );
  expect(text.length).toBeLessThan(150);
});

it("takes cursors of the key before, and none of another or changed ones", () => {
  const text = cursorCodec([oldKey]).sign("g", [1, 2]);
  expect(cursorCodec([newKey, oldKey]).verify(text)).toMatchObject({ offsets: [1, 2] });
  expect(cursorCodec([newKey]).verify(text)).toBeUndefined();
  const bytes = Buffer.from(text, "base64url");
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(cursorCodec([oldKey]).verify(changed.toString("base64url"))).toBeUndefined();
  }
});

it("takes anything for a text that is no cursor", () => {
  const codec = cursorCodec([newKey]);
  assert(
    property(string({ maxLength: 300 }), (text) => {
      expect(codec.verify(text)).toBeUndefined();
    }),
  );
});

it("binds a cursor to a ticket by a proof that only that ticket's stream shows", () => {
  const codec = cursorCodec([newKey]);
  const proof = codec.proofOf("ticket 1");
  const { proof: given } = codec.verify(`${codec.sign("g", [1])}.${proof}`) ?? {};
  expect(codec.isProofOf(given ?? "", "ticket 1")).toBe(true);
  expect(codec.isProofOf(given ?? "", "ticket 2")).toBe(false);
  expect(cursorCodec([oldKey]).isProofOf(proof, "ticket 1")).toBe(false);
});
