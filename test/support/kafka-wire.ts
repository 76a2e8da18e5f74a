/** A bare connection to a broker, one request at a time, in the encoding of kafkajs: an encoder that is not ours. */
import { once } from "node:events";
import { createRequire } from "node:module";
import { connect, type Socket } from "node:net";
import { incrementalAlterConfigs } from "./incremental-alter-configs.ts";

/** kafkajs ships its protocol without types. */
const load = createRequire(import.meta.url) as (path: string) => unknown;
const encodeRequest = load("kafkajs/src/protocol/request") as (
  request: object,
) => Promise<{ buffer: Buffer }>;

interface ProtocolModule {
  /** Those that it can write. */
  readonly versions: readonly string[];
  protocol(options: { version: number }): (payload: unknown) => Definition;
}

interface Definition {
  readonly request: { readonly apiKey: number; readonly expectResponse?: () => boolean };
  readonly response: { decode(payload: Buffer): Promise<unknown> };
}

// oxlint-disable-next-line typescript/no-explicit-any -- the answers have 22 shapes, and the tests look into all of them
export type Answer = any;

export interface Wire extends Disposable {
  readonly socket: Socket;
  /** Sends and decodes; errors are fields of the answer. Undefined where no answer is due. */
  call(api: string, version: number, payload?: unknown): Promise<Answer>;
  /** Sends all before it reads the first answer; the answers come in the order of the requests. */
  callAll(api: string, version: number, payloads: readonly unknown[]): Promise<Answer[]>;
  /** The frame that `call` would send. */
  encode(api: string, version: number, payload?: unknown): Promise<Buffer>;
  /** The next answer, without its length. */
  receive(): Promise<Buffer>;
}

export async function openWire(address: string): Promise<Wire> {
  const [host = "", port] = address.split(":");
  const socket = connect(Number(port), host);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  const receive = frames(socket);
  const encode = async (api: string, version: number, payload: unknown = {}): Promise<Buffer> => {
    const { request } = define(api, version, payload);
    return (await encodeRequest({ correlationId: 7, clientId: "wire", request })).buffer;
  };
  return {
    socket,
    encode,
    receive,
    async call(api, version, payload = {}) {
      const { request, response } = define(api, version, payload);
      socket.write(await encode(api, version, payload));
      if (request.expectResponse?.() === false) return undefined;
      return response.decode((await receive()).subarray(4));
    },
    async callAll(api, version, payloads) {
      const requests: Buffer[] = [];
      for (const payload of payloads) requests.push(await encode(api, version, payload));
      socket.write(Buffer.concat(requests));
      const answers: Answer[] = [];
      for (const payload of payloads) {
        answers.push(
          await define(api, version, payload).response.decode((await receive()).subarray(4)),
        );
      }
      return answers;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

const lacking: Readonly<Record<string, ProtocolModule>> = { incrementalAlterConfigs };

function moduleOf(api: string): ProtocolModule {
  return lacking[api] ?? (load(`kafkajs/src/protocol/requests/${api}`) as ProtocolModule);
}

const define = (api: string, version: number, payload: unknown): Definition =>
  moduleOf(api).protocol({ version })(payload);

/** The versions that kafkajs can write. */
export const encodableVersions = (api: string): number[] => moduleOf(api).versions.map(Number);

function frames(socket: Socket): () => Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  const iterator = socket.iterator({ destroyOnReturn: false });
  const fill = async (length: number): Promise<void> => {
    while (bytes.length < length) {
      const { value, done } = (await iterator.next()) as IteratorResult<Buffer, undefined>;
      if (done || !value) throw new Error("the connection was closed");
      bytes = Buffer.concat([bytes, value]);
    }
  };
  return async () => {
    await fill(4);
    const end = 4 + bytes.readInt32BE(0);
    await fill(end);
    const frame = bytes.subarray(4, end);
    bytes = bytes.subarray(end);
    return frame;
  };
}
