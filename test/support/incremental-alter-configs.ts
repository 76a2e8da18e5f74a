/** IncrementalAlterConfigs v0, which kafkajs lacks, in the form of its protocol modules and with its encoder. */
import { createRequire } from "node:module";

interface Encoder {
  writeInt8(value: number): Encoder;
  writeString(value: string | null): Encoder;
  writeBoolean(value: boolean): Encoder;
  writeArray(values: readonly Encoder[]): Encoder;
}
interface Decoder {
  readInt8(): number;
  readInt16(): number;
  readInt32(): number;
  readString(): string | null;
  readArray<T>(element: (decoder: Decoder) => T): T[];
}

const load = createRequire(import.meta.url);
const Encoder = load("kafkajs/src/protocol/encoder") as new () => Encoder;
const Decoder = load("kafkajs/src/protocol/decoder") as new (bytes: Buffer) => Decoder;

export const OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation?: number;
  readonly value: string | null;
}

interface Payload {
  readonly resources: readonly {
    readonly type: number;
    readonly name: string;
    readonly configEntries: readonly ConfigChange[];
  }[];
  readonly validateOnly: boolean;
}

export const incrementalAlterConfigs = {
  versions: ["0"],
  protocol: () => (payload: unknown) => ({
    request: {
      apiKey: 44,
      apiVersion: 0,
      apiName: "IncrementalAlterConfigs",
      encode: () => Promise.resolve(encode(payload as Payload)),
    },
    response: { decode: (bytes: Buffer) => Promise.resolve(decode(bytes)) },
  }),
};

function encode({ resources, validateOnly }: Payload): Encoder {
  const encoded = resources.map(({ type, name, configEntries }) =>
    new Encoder().writeInt8(type).writeString(name).writeArray(configEntries.map(encodeChange)),
  );
  return new Encoder().writeArray(encoded).writeBoolean(validateOnly);
}

const encodeChange = ({ name, operation = OPERATION.set, value }: ConfigChange): Encoder =>
  new Encoder().writeString(name).writeInt8(operation).writeString(value);

function decode(bytes: Buffer): object {
  const decoder = new Decoder(bytes);
  return {
    throttleTime: decoder.readInt32(),
    resources: decoder.readArray((it) => ({
      errorCode: it.readInt16(),
      errorMessage: it.readString(),
      resourceType: it.readInt8(),
      resourceName: it.readString(),
    })),
  };
}
