/** Several parts started at once: where one fails, those that did start are stopped, and its error is the answer. */

export async function startAll<Part extends AsyncDisposable | Disposable>(
  stack: AsyncDisposableStack,
  starts: readonly Promise<Part>[],
): Promise<Part[]> {
  const settled = await Promise.allSettled(starts);
  const started = settled.flatMap((it) => (it.status === "fulfilled" ? [it.value] : []));
  // A stack stops one by one; these do not depend on each other.
  stack.defer(() => stopAll(started));
  const failed = settled.find((it) => it.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return started;
}

async function stopAll(parts: readonly (AsyncDisposable | Disposable)[]): Promise<void> {
  const stops = parts.map(async (part) => {
    if (Symbol.asyncDispose in part) await part[Symbol.asyncDispose]();
    else part[Symbol.dispose]();
  });
  const settled = await Promise.allSettled(stops);
  const failed = settled.find((it) => it.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Both to their end, then the first error: what runs beside it must not register in a stack that is disposed of. */
export async function inParallel(...branches: readonly (() => Promise<void>)[]): Promise<void> {
  const settled = await Promise.allSettled(branches.map((branch) => branch()));
  const failed = settled.find((it) => it.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
