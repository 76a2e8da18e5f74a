/** Writes the primitive types of the Kafka protocol; large record sets are passed on by reference, never copied. */
import { MalformedFrame } from "./reader.ts";

const COPY_UP_TO_BYTES = 1024;
/** The length is an int16. */
const STRING_LIMIT_BYTES = 0x7fff;

export class Writer {
  readonly #chunks: Buffer[] = [];
  #current = Buffer.allocUnsafe(512);
  #used = 0;
  #flushedBytes = 0;

  int8(value: number): this {
    this.#room(1).writeInt8(value, this.#used - 1);
    return this;
  }

  int16(value: number): this {
    this.#room(2).writeInt16BE(value, this.#used - 2);
    return this;
  }

  int32(value: number): this {
    this.#room(4).writeInt32BE(value, this.#used - 4);
    return this;
  }

  int64(value: number): this {
    this.#room(8).writeBigInt64BE(BigInt(value), this.#used - 8);
    return this;
  }

  boolean(value: boolean): this {
    return this.int8(value ? 1 : 0);
  }

  string(value: string): this {
    const length = Buffer.byteLength(value);
    // Bytes that are no UTF-8 grow when they are answered as characters.
    if (length > STRING_LIMIT_BYTES) throw new MalformedFrame(`a string of ${length} bytes`);
    this.int16(length);
    this.#room(length).write(value, this.#used - length);
    return this;
  }

  nullableString(value: string | null): this {
    return value === null ? this.int16(-1) : this.string(value);
  }

  bytes(value: Buffer): this {
    this.int32(value.length);
    return this.#raw([value]);
  }

  /** Several buffers as one field of bytes. */
  byteChunks(chunks: readonly Buffer[]): this {
    this.int32(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    return this.#raw(chunks);
  }

  array<T>(elements: readonly T[], write: (element: T) => void): this {
    this.int32(elements.length);
    for (const element of elements) write(element);
    return this;
  }

  compactArray<T>(elements: readonly T[], write: (element: T) => void): this {
    this.unsignedVarint(elements.length + 1);
    for (const element of elements) write(element);
    return this;
  }

  unsignedVarint(value: number): this {
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) this.#room(1).writeUInt8((rest & 0x7f) | 0x80, this.#used - 1);
    this.#room(1).writeUInt8(rest, this.#used - 1);
    return this;
  }

  noTaggedFields(): this {
    return this.unsignedVarint(0);
  }

  /** What was written, behind its length: ready for the socket. */
  toFrame(): Buffer[] {
    this.#flush();
    const size = Buffer.allocUnsafe(4);
    size.writeInt32BE(this.#flushedBytes);
    return [size, ...this.#chunks];
  }

  #raw(chunks: readonly Buffer[]): this {
    for (const chunk of chunks) {
      if (chunk.length <= COPY_UP_TO_BYTES) {
        chunk.copy(this.#room(chunk.length), this.#used - chunk.length);
        continue;
      }
      this.#flush();
      this.#chunks.push(chunk);
      this.#flushedBytes += chunk.length;
    }
    return this;
  }

  /** The buffer to write to, with so many bytes reserved that end at #used. */
  #room(bytes: number): Buffer {
    if (this.#used + bytes > this.#current.length) {
      this.#flush();
      this.#current = Buffer.allocUnsafe(Math.max(4096, bytes));
    }
    this.#used += bytes;
    return this.#current;
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#chunks.push(this.#current.subarray(0, this.#used));
    this.#flushedBytes += this.#used;
    this.#current = this.#current.subarray(this.#used);
    this.#used = 0;
  }
}
