/** What a state component does for a sidecar: values with versions and life times. */
import { DaprError } from "../dapr-error.ts";

export interface Stored {
  value: unknown;
  /** The ETag. */
  version: string;
}

export interface Write {
  key: string;
  value: unknown;
  etag?: string;
  concurrency?: "first-write" | "last-write";
  /** Without one an earlier life time goes on; 0 or less ends it. */
  ttlSeconds?: number;
}

/** Writes and removals throw a DaprError 409 where the ETag is another. */
export interface StateStore {
  get(key: string): Promise<Stored | undefined>;
  set(write: Write): Promise<void>;
  delete(key: string, etag?: string): Promise<void>;
}

/** 0: none. */
export function parseEtag({ etag, concurrency }: Pick<Write, "etag" | "concurrency">): number {
  if (etag === undefined || etag === "" || concurrency === "last-write") return 0;
  if (/^-?\d+$/.test(etag)) return Number(etag);
  throw new DaprError(400, "ERR_STATE_SAVE", `invalid etag value: ${etag}`);
}

export const mismatch = (code: string, key: string): DaprError =>
  new DaprError(409, code, `possible etag mismatch: ${key} was written by another`);
