/** Many callers, one transaction: what arrives while one is under way goes together into the next. No timer. */

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** `commit` gets at most `maxItems` and answers one result an item, in their order; its error is everybody's. */
export function groupCommit<Item, Result>(
  commit: (items: readonly Item[]) => Promise<readonly Result[]>,
  maxItems = 500,
): (item: Item) => Promise<Result> {
  const queue: Waiting<Item, Result>[] = [];
  let isCommitting = false;

  const flush = async (): Promise<void> => {
    while (queue.length > 0) {
      const group = queue.splice(0, maxItems);
      try {
        const results = await commit(group.map(({ item }) => item));
        if (results.length !== group.length) throw new Error("a commit lost results");
        for (const [index, result] of results.entries()) group[index]?.resolve(result);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    isCommitting = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (isCommitting) return;
      isCommitting = true;
      // A turn later: what one read of the sockets brought goes together.
      setImmediate(() => void flush());
    });
}
