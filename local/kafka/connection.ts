/** One client: its frames in, the answers out in the same order; whatever it sends harms nobody else. */
import type { Socket } from "node:net";
import { apis } from "./api-table.ts";
import type { Broker } from "./broker.ts";
import type { Api } from "./protocol/api.ts";
import { ErrorCode } from "./protocol/error-code.ts";
import { FrameSplitter } from "./protocol/frame-splitter.ts";
import { MalformedFrame, Reader } from "./protocol/reader.ts";
import { Writer } from "./protocol/writer.ts";

/** Requests that may wait here before the client is no longer read from. */
const QUEUE_LIMIT = 64;
const API_VERSIONS = 18;

interface RequestHeader {
  readonly key: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string;
}

export class Connection {
  readonly #socket: Socket;
  readonly #broker: Broker;
  readonly #frames = new FrameSplitter();
  readonly #gone = new AbortController();
  readonly #queue: Buffer[] = [];
  #answering: Promise<void> = Promise.resolve();
  #unanswered = 0;
  #isServing = false;

  constructor(socket: Socket, broker: Broker) {
    this.#socket = socket;
    this.#broker = broker;
    socket.setNoDelay(true);
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#gone.abort());
  }

  close(): void {
    this.#socket.destroy();
    this.#gone.abort();
  }

  #receive(chunk: Buffer): void {
    try {
      this.#queue.push(...this.#frames.push(chunk));
    } catch (error) {
      return this.#refuse(error);
    }
    if (this.#queue.length > QUEUE_LIMIT) this.#socket.pause();
    if (!this.#isServing) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    try {
      for (
        let frame = this.#queue.shift();
        frame && !this.#socket.destroyed;
        frame = this.#queue.shift()
      ) {
        await this.#request(frame);
        if (this.#queue.length === 0) this.#socket.resume();
      }
    } catch (error) {
      this.#refuse(error);
    }
    this.#isServing = false;
  }

  async #request(frame: Buffer): Promise<void> {
    const reader = new Reader(frame);
    const { key, version, correlationId, clientId } = readHeader(reader);
    const api = apis.get(key);
    if (!api) throw new MalformedFrame(`the API with key ${key} is not served`);
    const answer = new Writer().int32(correlationId);
    if (!isServed(api, version)) return this.#refuseVersion(api, version, answer);
    const call = api.call(reader, {
      ...this.#endpoints(),
      broker: this.#broker,
      version,
      clientId,
      signal: this.#gone.signal,
    });
    const answered = this.#answerInTurn(call, answer);
    if (!api.overlaps || this.#unanswered >= QUEUE_LIMIT) await answered;
  }

  #answerInTurn(
    call: Promise<((writer: Writer) => void) | undefined>,
    answer: Writer,
  ): Promise<void> {
    this.#unanswered += 1;
    const before = this.#answering;
    const answered = (async () => {
      const [write] = await Promise.all([call, before]);
      this.#unanswered -= 1;
      if (!write) return;
      write(answer);
      await this.#send(answer);
    })();
    this.#answering = answered;
    // The one who waits for it is told too; this keeps an overlapped failure from being nobody's.
    answered.catch((error: unknown) => this.#refuse(error));
    return answered;
  }

  /** Waits for a client that reads slower than it asks. */
  async #send(answer: Writer): Promise<void> {
    if (this.#socket.destroyed) return;
    this.#socket.cork();
    const isRoom = answer
      .toFrame()
      .map((chunk) => this.#socket.write(chunk))
      .at(-1);
    this.#socket.uncork();
    if (isRoom || this.#socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once("drain", resolve).once("close", resolve);
    await promise;
    this.#socket.off("drain", resolve).off("close", resolve);
  }

  /** Only ApiVersions has an answer for this, in its first format, which every client can read. */
  async #refuseVersion(api: Api, version: number, answer: Writer): Promise<void> {
    if (api.key !== API_VERSIONS) throw new MalformedFrame(`${api.name} v${version} is not served`);
    const [lowest, highest] = api.versions;
    answer
      .int16(ErrorCode.UNSUPPORTED_VERSION)
      .array([api], () => answer.int16(api.key).int16(lowest).int16(highest));
    await this.#send(answer);
  }

  #refuse(error: unknown): void {
    if (this.#socket.destroyed) return;
    const reason =
      error instanceof MalformedFrame
        ? error.message
        : error instanceof Error
          ? error.stack
          : String(error);
    this.#broker.log(`a connection from ${this.#socket.remoteAddress} was closed: ${reason}`);
    this.close();
  }

  #endpoints(): { clientHost: string; host: string; port: number } {
    const { remoteAddress = "", localAddress = "", localPort = 0 } = this.#socket;
    return {
      clientHost: `/${remoteAddress}`,
      host: localAddress.replace(/^::ffff:/, ""),
      port: localPort,
    };
  }
}

function readHeader(reader: Reader): RequestHeader {
  const key = reader.int16();
  const version = reader.int16();
  const correlationId = reader.int32();
  const clientId = reader.nullableString() ?? "";
  const api = apis.get(key);
  // The only request that is served with a flexible header.
  if (api?.key === API_VERSIONS && version >= 3 && isServed(api, version))
    reader.skipTaggedFields();
  return { key, version, correlationId, clientId };
}

function isServed(api: Api, version: number): boolean {
  return version >= api.versions[0] && version <= api.versions[1];
}
