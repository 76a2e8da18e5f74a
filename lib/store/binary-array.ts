/** Arrays in PostgreSQL's binary form: a Buffer is sent as it is, and bytes need no escapes that the server takes away again. */

/** Index: type of the elements. */
interface ElementOf {
  readonly boolean: boolean;
  readonly bigint: number;
  readonly bytea: Buffer;
  readonly text: string;
  readonly timestamptz: Date;
}

export type ElementType = keyof ElementOf;
export type Elements<Type extends ElementType> = readonly (ElementOf[Type] | null)[];

interface Codec<Value> {
  /** The type's oid in pg_type.dat. */
  readonly oid: number;
  /** Bytes at most. */
  readonly sizeOf: (value: Value) => number;
  /** Returns the bytes that it wrote. */
  readonly write: (into: Buffer, value: Value, at: number) => number;
}

const codecs: { readonly [Type in ElementType]: Codec<ElementOf[Type]> } = {
  boolean: {
    oid: 16,
    sizeOf: () => 1,
    write: (into, value, at) => into.writeUInt8(value ? 1 : 0, at) - at,
  },
  bytea: {
    oid: 17,
    sizeOf: (value) => value.length,
    write: (into, value, at) => value.copy(into, at),
  },
  bigint: { oid: 20, sizeOf: () => 8, write: writeInt64 },
  // UTF-8 has at most three bytes for a unit of UTF-16.
  text: {
    oid: 25,
    sizeOf: (value) => value.length * 3,
    write: (into, value, at) => into.write(value, at),
  },
  timestamptz: {
    oid: 1184,
    sizeOf: () => 8,
    write: (into, value, at) => writeInt64(into, (value.getTime() - epochMs) * 1000, at),
  },
};

/** PostgreSQL counts microseconds from there. */
const epochMs = Date.UTC(2000, 0, 1);

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/** Of one dimension, or of none where it is empty. The statement says the type: `$1::text[]`. */
export function toBinaryArray<Type extends ElementType>(
  type: Type,
  elements: Elements<Type>,
): Buffer {
  const { oid, sizeOf, write }: Codec<ElementOf[Type]> = codecs[type];
  let size = HEADER_BYTES;
  let hasNull = 0;
  for (const element of elements) {
    size += LENGTH_BYTES;
    if (element === null) hasNull = 1;
    else size += sizeOf(element);
  }
  const buffer = Buffer.allocUnsafe(size);
  let at = writeHeader(buffer, { oid, hasNull, length: elements.length });
  for (const element of elements) {
    const length = element === null ? NULL_LENGTH : write(buffer, element, at + LENGTH_BYTES);
    buffer.writeInt32BE(length, at);
    at += LENGTH_BYTES + Math.max(length, 0);
  }
  return buffer.subarray(0, at);
}

/** As array_recv reads it. */
function writeHeader(
  buffer: Buffer,
  { oid, hasNull, length }: { oid: number; hasNull: number; length: number },
): number {
  const dimensions = length === 0 ? [] : [length, 1];
  const words = [dimensions.length / 2, hasNull, oid, ...dimensions];
  for (const [index, word] of words.entries()) buffer.writeInt32BE(word, index * 4);
  return words.length * 4;
}

/** A safe integer, in two's complement. */
function writeInt64(into: Buffer, value: number, at: number): number {
  into.writeInt32BE(Math.floor(value / 2 ** 32), at);
  into.writeUInt32BE(value >>> 0, at + 4);
  return 8;
}
