/** How one API of the protocol is described: how its request is read, what it does, how its answer is written. */
import type { Broker } from "../broker.ts";
import type { Reader } from "./reader.ts";
import type { Writer } from "./writer.ts";

/** What an API knows of the request that calls it, besides its body. */
export interface Call {
  readonly broker: Broker;
  readonly version: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** The address that this client reached us under, which is the one it is told to use. */
  readonly host: string;
  readonly port: number;
  /** Aborted when the client goes or the log stops. */
  readonly signal: AbortSignal;
}

export interface Api {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [lowest: number, highest: number];
  /** Whether the next request of the connection may begin before this one is answered. Answers keep their order. */
  readonly overlaps: boolean;
  /** Throws MalformedFrame before anything was done; resolves with what writes the answer, or with nothing to be sent. */
  call(reader: Reader, call: Call): Promise<((writer: Writer) => void) | undefined>;
}

interface ApiSpec<Request, Answer> {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [lowest: number, highest: number];
  readonly overlaps?: boolean;
  readonly read: (reader: Reader, version: number) => Request;
  readonly handle: (
    request: Request,
    call: Call,
  ) => Answer | undefined | Promise<Answer | undefined>;
  readonly write: (writer: Writer, answer: Answer, version: number) => void;
}

export function defineApi<Request, Answer>(spec: ApiSpec<Request, Answer>): Api {
  const { key, name, versions, overlaps = false } = spec;
  return {
    key,
    name,
    versions,
    overlaps,
    async call(reader, call) {
      const answer = await spec.handle(spec.read(reader, call.version), call);
      return answer === undefined
        ? undefined
        : (writer) => spec.write(writer, answer, call.version);
    },
  };
}
