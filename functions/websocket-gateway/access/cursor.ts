/** The cursor: a point of the topic that a client keeps, signed so that it is good at every replica. */
import {
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { Vector } from "../topic/vector.ts";

export interface Cursor {
  readonly generation: string;
  readonly offsets: Vector;
  /** Of the ticket on whose stream it was issued; null on any other. */
  readonly proof: string | null;
}

export interface CursorCodec {
  sign(generation: string, offsets: Vector): string;
  /** Undefined where it was not signed by one of the keys. */
  verify(text: string): Cursor | undefined;
  /** Appended to each cursor of a ticket's stream: only who was on the stream knows it. */
  proofOf(ticketId: string): string;
  isProofOf(proof: string, ticketId: string): boolean;
}

const version = 1;
const macBytes = 16;
const maxLength = 100_000;
const form = /^([\w-]+)(?:\.([\w-]{16}))?$/;

/** `keys`: the first signs, all verify, so that a key is replaced without breaking cursors. */
export function cursorCodec(keys: readonly string[]): CursorCodec {
  // Key objects: a cursor is signed an event, and Node would make one of the bytes each time.
  const cursorKeys = keys.map((key) => createSecretKey(derive(key, "cursor")));
  const proofKeys = keys.map((key) => createSecretKey(derive(key, "ticket proof")));
  const [cursorKey] = cursorKeys;
  const [proofKey] = proofKeys;
  if (cursorKey === undefined || proofKey === undefined) throw new Error("no cursor key");
  const proof = (key: KeyObject, id: string) => mac(key, Buffer.from(id), 12).toString("base64url");
  return {
    sign: (generation, offsets) => {
      const body = encode(generation, offsets);
      return Buffer.concat([body, mac(cursorKey, body, macBytes)]).toString("base64url");
    },
    verify: (text) => {
      const [, signed = "", proof = null] = form.exec(text.slice(0, maxLength)) ?? [];
      const bytes = Buffer.from(signed, "base64url");
      const body = bytes.subarray(0, -macBytes);
      const given = bytes.subarray(-macBytes);
      const isSigned = cursorKeys.some((key) => isEqual(mac(key, body, macBytes), given));
      return isSigned && body[0] === version ? { ...decode(body), proof } : undefined;
    },
    proofOf: (ticketId) => proof(proofKey, ticketId),
    isProofOf: (given, ticketId) =>
      proofKeys.some((key) => isEqual(Buffer.from(proof(key, ticketId)), Buffer.from(given))),
  };
}

/** One purpose a key, all from the one that is configured (RFC 5869). */
export const derive = (key: string, purpose: string): Buffer =>
  Buffer.from(hkdfSync("sha256", key, "", `task-events ${purpose}`, 32));

const mac = (key: KeyObject, body: Buffer, bytes: number): Buffer =>
  createHmac("sha256", key).update(body).digest().subarray(0, bytes);

const isEqual = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);

/** Version, generation with its length, then each offset: numbers in 7-bit groups, the lowest first. */
function encode(generation: string, offsets: Vector): Buffer {
  const name = Buffer.from(generation, "utf8");
  const bytes: number[] = [version];
  putNumber(bytes, name.length);
  bytes.push(...name);
  for (const offset of offsets) putNumber(bytes, offset);
  return Buffer.from(bytes);
}

function putNumber(bytes: number[], number: number): void {
  let rest = number;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    // Not a shift: offsets go beyond 32 bits.
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}

/** `body` was signed by us: it is what `encode` wrote. */
function decode(body: Buffer): Omit<Cursor, "proof"> {
  const numbers = numbersFrom(body, 1);
  const length = numbers.next().value?.number ?? 0;
  const start = 1 + sizeOf(length);
  const generation = body.toString("utf8", start, start + length);
  const offsets = [...numbersFrom(body, start + length)].map(({ number }) => number);
  return { generation, offsets };
}

const sizeOf = (number: number): number =>
  number > 127 ? 1 + sizeOf(Math.floor(number / 128)) : 1;

function* numbersFrom(body: Buffer, start: number): Generator<{ number: number }, undefined> {
  let number = 0;
  let unit = 1;
  for (let index = start; index < body.length; index++) {
    const byte = body[index] ?? 0;
    number += (byte % 128) * unit;
    unit *= 128;
    if (byte > 127) continue;
    yield { number };
    number = 0;
    unit = 1;
  }
  return undefined;
}
