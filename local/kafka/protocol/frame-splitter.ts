/** Cuts a stream of bytes into the frames of the protocol: a length, then that many bytes. */
import { MalformedFrame } from "./reader.ts";

/** `socket.request.max.bytes` of Kafka. */
const FRAME_LIMIT_BYTES = 104_857_600;

export class FrameSplitter {
  #chunks: Buffer[] = [];
  #gathered = 0;

  /** The frames that the chunk completes. Throws MalformedFrame for a length that no frame has. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#gathered += chunk.length;
    const frames: Buffer[] = [];
    for (
      let length = this.#length();
      length !== undefined && this.#gathered >= length + 4;
      length = this.#length()
    ) {
      frames.push(this.#take(length));
    }
    return frames;
  }

  #length(): number | undefined {
    if (this.#gathered < 4) return undefined;
    const first = this.#chunks[0];
    const start = first && first.length >= 4 ? first : this.#join();
    const length = start.readInt32BE(0);
    if (length <= 0 || length > FRAME_LIMIT_BYTES)
      throw new MalformedFrame(foreignProtocol(start) ?? `a frame of ${length} bytes`);
    return length;
  }

  #take(length: number): Buffer {
    const all = this.#join();
    const rest = all.subarray(length + 4);
    this.#chunks = rest.length > 0 ? [rest] : [];
    this.#gathered = rest.length;
    return all.subarray(4, length + 4);
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    const all = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = [all];
    return all;
  }
}

/** What else people send to a port: their bytes in place of a length. */
function foreignProtocol(start: Buffer): string | undefined {
  if (/^(?:GET |HEAD|POST|PUT |DELE|OPTI|PATC)$/.test(start.toString("latin1", 0, 4)))
    return "HTTP, where this port speaks Kafka";
  const isHandshake = start[0] === 0x16 && start[1] === 0x03;
  return isHandshake ? "TLS, which the embedded log has not" : undefined;
}
