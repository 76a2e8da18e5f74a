/**
 * Concurrent callers share one commit: what waits is flushed whenever the one connection is free.
 *
 * Callers that a commit has answered come back with their next item, as a KafkaSource does for each partition. Without
 * a wait for them they would fall into two halves for ever, of which one always waits for the other's commit.
 */

export interface GroupCommitOptions<Item, Result> {
  /** Commits the items; results in their order. A rejection rejects every caller. */
  readonly commit: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Result>[]>;
  /** By default items count alone. */
  readonly bytesOf?: (item: Item) => number;
  readonly maxItems: number;
  readonly maxBytes?: number;
}

/** Results of a commit that takes all its items or none. */
export const allFulfilled = <Result>(
  results: readonly Result[],
): readonly PromiseFulfilledResult<Result>[] =>
  results.map((value) => ({ status: "fulfilled", value }));

/** Of the time that the commit took: what the wait may add to it, if nobody comes back. */
const GATHER_SHARE = 0.25;
const MAX_GATHER_MS = 5;
/** With more, two halves are better: one is read and checked while the other is committed. */
const GATHER_ITEMS = 32;

interface Gathering {
  /** Of the queue, when all are there. */
  readonly length: number;
  readonly all: () => void;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly settle: PromiseWithResolvers<Result>;
}

export interface GroupCommit<Item, Result> {
  /** Settles after the commit that holds the item. */
  readonly add: (item: Item) => Promise<Result>;
  readonly waiting: () => number;
  /** Resolves when nothing is waiting or being committed. */
  readonly idle: () => Promise<void>;
}

export function openGroupCommit<Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> {
  const queue: Waiting<Item, Result>[] = [];
  let flushing: Promise<void> | undefined;

  let gathering: Gathering | undefined;

  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = takeBatch(queue, options);
      const startedAt = performance.now();
      await commitBatch(batch, options.commit);
      const callers = batch.length + queue.length;
      const length = Math.min(callers, options.maxItems, GATHER_ITEMS);
      // A lone one has nobody to wait for.
      if (callers > 1 && queue.length < length) {
        await gather(length, performance.now() - startedAt);
      }
    }
    flushing = undefined;
  };

  const gather = async (length: number, commitMs: number): Promise<void> => {
    const all = Promise.withResolvers<void>();
    const limit = setTimeout(all.resolve, Math.min(commitMs * GATHER_SHARE, MAX_GATHER_MS));
    gathering = { length, all: all.resolve };
    await all.promise;
    gathering = undefined;
    clearTimeout(limit);
  };

  return {
    add: (item) => {
      const settle = Promise.withResolvers<Result>();
      queue.push({ item, settle });
      // A turn later, so that deliveries of one read of the sockets share a commit.
      flushing ??= new Promise(setImmediate).then(flush);
      if (gathering !== undefined && queue.length >= gathering.length) gathering.all();
      return settle.promise;
    },
    waiting: () => queue.length,
    idle: async () => flushing,
  };
}

/** At least one item, so that a larger one than the limit passes too. */
function takeBatch<Item, Result>(
  queue: Waiting<Item, Result>[],
  { bytesOf = () => 0, maxItems, maxBytes = Infinity }: GroupCommitOptions<Item, Result>,
): Waiting<Item, Result>[] {
  let bytes = 0;
  let length = 0;
  for (const { item } of queue) {
    bytes += bytesOf(item);
    if (length > 0 && (length === maxItems || bytes > maxBytes)) break;
    length++;
  }
  return queue.splice(0, length);
}

async function commitBatch<Item, Result>(
  batch: readonly Waiting<Item, Result>[],
  commit: GroupCommitOptions<Item, Result>["commit"],
): Promise<void> {
  try {
    const results = await commit(batch.map(({ item }) => item));
    for (const [index, { settle }] of batch.entries()) {
      const result = results[index];
      if (result?.status === "fulfilled") settle.resolve(result.value);
      else settle.reject(result?.reason ?? new Error("a commit left an item out"));
    }
  } catch (error) {
    for (const { settle } of batch) settle.reject(error);
  }
}
