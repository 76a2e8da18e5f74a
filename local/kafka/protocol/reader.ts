/** Reads the primitive types of the Kafka protocol from one frame, and refuses whatever a frame cannot hold. */
export class MalformedFrame extends Error {
  override name = "MalformedFrame";
}

/** Far more than any client names in one request; each costs an object here and a part of the answer. */
const ELEMENT_LIMIT = 100_000;

export class Reader {
  readonly #frame: Buffer;
  #at = 0;
  #elements = 0;

  constructor(frame: Buffer) {
    this.#frame = frame;
  }

  get remaining(): number {
    return this.#frame.length - this.#at;
  }

  int8(): number {
    return this.#frame.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#frame.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#frame.readInt32BE(this.#take(4));
  }

  int64(): number {
    return exactInt64(this.#frame, this.#take(8));
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  string(): string {
    return this.nullableString() ?? refuse("a string that may not be null is null");
  }

  nullableString(): string | null {
    return this.#text(this.int16());
  }

  /** A view of the frame, not a copy. */
  bytes(): Buffer {
    return this.nullableBytes() ?? refuse("bytes that may not be null are null");
  }

  nullableBytes(): Buffer | null {
    const length = this.int32();
    if (length === -1) return null;
    const start = this.#take(length);
    return this.#frame.subarray(start, start + length);
  }

  array<T>(element: () => T): T[] {
    return this.nullableArray(element) ?? refuse("an array that may not be null is null");
  }

  nullableArray<T>(element: () => T): T[] | null {
    const count = this.int32();
    if (count === -1) return null;
    // Every element takes at least two bytes, so a larger count is a lie and must not make us allocate.
    if (count < 0 || count * 2 > this.remaining)
      refuse(`an array of ${count} elements in ${this.remaining} bytes`);
    this.#elements += count;
    if (this.#elements > ELEMENT_LIMIT) refuse(`a request of more than ${ELEMENT_LIMIT} elements`);
    return Array.from({ length: count }, element);
  }

  compactNullableString(): string | null {
    return this.#text(this.unsignedVarint() - 1);
  }

  skipTaggedFields(): void {
    for (let left = this.unsignedVarint(); left > 0; left -= 1) {
      this.unsignedVarint();
      this.#take(this.unsignedVarint());
    }
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#frame.readUInt8(this.#take(1));
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return refuse("a varint longer than 5 bytes");
  }

  #text(length: number): string | null {
    if (length === -1) return null;
    const start = this.#take(length);
    return this.#frame.toString("utf8", start, start + length);
  }

  #take(length: number): number {
    if (length < 0 || length > this.remaining)
      refuse(`${length} bytes wanted, ${this.remaining} left`);
    const start = this.#at;
    this.#at += length;
    return start;
  }
}

/** Offsets, timestamps and producer ids in use stay far below 2^53; what lies beyond is taken for the limit. */
export function exactInt64(bytes: Buffer, at: number): number {
  const value = Number(bytes.readBigInt64BE(at));
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

function refuse(reason: string): never {
  throw new MalformedFrame(reason);
}
