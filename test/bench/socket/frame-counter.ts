/** Counts the events in a stream of WebSocket frames, however they are cut: several may share a frame, or a read. */

/** The second byte of `§` in UTF-8, which stands once in each event and nowhere else. */
const mark = 0xa7;
const shortLimit = 126;

export class FrameCounter {
  #header: number[] = [];
  /** Bytes of the present frame that are still to come. */
  #left = 0;

  /** How many events these bytes end. Calls back with the first byte of each frame's payload. */
  take(bytes: Buffer, onFrame?: (firstByte: number) => void): number {
    let events = 0;
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left);
        events += countMarks(bytes, at, end);
        this.#left -= end - at;
        at = end;
        continue;
      }
      this.#header.push(bytes[at++] ?? 0);
      const length = lengthOf(this.#header);
      if (length === undefined) continue;
      this.#header = [];
      this.#left = length;
      if (length > 0 && at < bytes.length) onFrame?.(bytes[at] ?? 0);
    }
    return events;
  }
}

function countMarks(bytes: Buffer, from: number, end: number): number {
  let count = 0;
  for (
    let at = bytes.indexOf(mark, from);
    at !== -1 && at < end;
    at = bytes.indexOf(mark, at + 1)
  ) {
    count++;
  }
  return count;
}

/** Of an unmasked frame (RFC 6455, section 5.2); undefined while its header is not complete. */
function lengthOf(header: readonly number[]): number | undefined {
  const [, short = shortLimit] = header;
  if (header.length < 2) return undefined;
  const extra = short < shortLimit ? 0 : short === shortLimit ? 2 : 8;
  if (header.length < 2 + extra) return undefined;
  return extra === 0 ? short : header.slice(2).reduce((sum, byte) => sum * 256 + byte, 0);
}
