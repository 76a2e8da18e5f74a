/** The component redis-state, by the sidecar: small JSON values with a life time. */
import type { DaprClient } from "@dapr/dapr";
import type { Logger } from "pino";
import { RetryableError } from "../../../lib/host/error.ts";

export interface Stored {
  readonly value: unknown;
  readonly etag: string;
}

/** Keys: letters, digits and `-` alone, as the SDK puts them into a URL unescaped. All throw RetryableError. */
export interface StateStore {
  get(key: string): Promise<Stored | undefined>;
  /** Only over the version that was read (undefined: where there is none); false where another write came first. */
  put(key: string, value: object, ttlSeconds: number, over: Stored | undefined): Promise<boolean>;
  /** True for the first caller of all replicas. */
  mark(key: string, ttlSeconds: number): Promise<boolean>;
}

export interface StateOptions {
  readonly daprHttpPort: number;
  readonly daprApiToken: string | undefined;
  readonly log: Logger;
}

const component = "redis-state";
/** The SDK waits up to a minute for a sidecar; a client does not. */
const timeoutMs = 2_000;
/** No version that a store gives: matches only where there is no value yet. */
const noEtag = "0";

export function openStateStore(options: StateOptions): StateStore {
  let client: Promise<DaprClient> | undefined;
  // The SDK takes half a second of CPU to load: only with the first use.
  const call = <Result>(use: (client: DaprClient) => Promise<Result>): Promise<Result> =>
    withTimeout((client ??= connect(options)).then(use));
  const store: StateStore = {
    get: (key) => call((dapr) => read(dapr, key)),
    put: (key, value, ttlSeconds, over) =>
      call((dapr) => write(dapr, key, value, { ttlSeconds, etag: over?.etag ?? noEtag })),
    mark: (key, ttlSeconds) =>
      store.put(key, { at: new Date().toISOString() }, ttlSeconds, undefined),
  };
  return store;
}

async function connect({ daprHttpPort, daprApiToken, log }: StateOptions): Promise<DaprClient> {
  const { CommunicationProtocolEnum, DaprClient } = await import("@dapr/dapr");
  const quiet = (message: unknown): void => log.debug({ dapr: String(message) }, "sidecar client");
  return new DaprClient({
    daprHost: "127.0.0.1",
    daprPort: String(daprHttpPort),
    communicationProtocol: CommunicationProtocolEnum.HTTP,
    ...(daprApiToken === undefined ? {} : { daprApiToken }),
    logger: {
      service: { error: quiet, warn: quiet, info: quiet, verbose: quiet, debug: quiet },
    },
  });
}

interface BulkItem {
  readonly data?: unknown;
  readonly etag?: string;
  readonly error?: string;
}

/** In bulk, as the SDK tells no ETag of a single value. */
async function read(dapr: DaprClient, key: string): Promise<Stored | undefined> {
  const found = await dapr.state.getBulk(component, [key]).catch(unavailable);
  const { data, etag, error }: BulkItem = (Array.isArray(found) ? found[0] : undefined) ?? {};
  if (error !== undefined && error !== "") return unavailable(error);
  if (data === undefined || data === null || data === "") return undefined;
  return { value: data, etag: etag ?? noEtag };
}

async function write(
  dapr: DaprClient,
  key: string,
  value: object,
  { ttlSeconds, etag }: { ttlSeconds: number; etag: string },
): Promise<boolean> {
  const { StateConcurrencyEnum, StateConsistencyEnum } = await import("@dapr/dapr");
  const metadata = { ttlInSeconds: String(ttlSeconds) };
  const options = {
    concurrency: StateConcurrencyEnum.CONCURRENCY_FIRST_WRITE,
    consistency: StateConsistencyEnum.CONSISTENCY_EVENTUAL,
  };
  const { error } = await dapr.state.save(component, [{ key, value, etag, metadata, options }]);
  if (error === undefined) return true;
  if (statusOf(error) !== 409) return unavailable(error);
  // daprd also answers 409 where Redis did not answer: only a value of another version says who was first.
  const present = await read(dapr, key);
  const isOther = present !== undefined && present.etag !== etag;
  return isOther || (present === undefined && etag !== noEtag) ? false : unavailable(error);
}

/** The SDK puts the answer, as JSON, into the error's message. */
function statusOf(error: Error): number | undefined {
  const match = /"status":(\d{3})/.exec(error.message);
  return match === null ? undefined : Number(match[1]);
}

async function withTimeout<Result>(work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no answer")), timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } catch (error) {
    return error instanceof RetryableError ? unavailable(error.cause) : unavailable(error);
  } finally {
    clearTimeout(timer);
  }
}

function unavailable(cause: unknown): never {
  throw new RetryableError("state_unavailable", "redis-state cannot be reached now", { cause });
}
