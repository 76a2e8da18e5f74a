/** A process of the bench's own that takes orders and tells news; ended with who forked it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";

export interface Child<Order, News> extends AsyncDisposable {
  readonly pid: number;
  order(order: Order): void;
  /** The next one; rejects when the process ends before. */
  news(): Promise<News>;
}

/** `module`: absolute path. */
export function startChild<Order, News>(
  module: string,
  args: readonly (string | number)[] = [],
): Child<Order, News> {
  const child = fork(module, args.map(String), { serialization: "advanced" });
  const told: News[] = [];
  const waiting: PromiseWithResolvers<News>[] = [];
  child.on("message", (message) => {
    // What the module's own type of news says.
    const news = message as News;
    const next = waiting.shift();
    if (next === undefined) told.push(news);
    else next.resolve(news);
  });
  child.once("exit", (code) => {
    for (const { reject } of waiting) reject(new Error(`${module} ended with ${code}`));
  });
  return {
    pid: child.pid ?? 0,
    order: (order) => void child.send(order as object),
    news: () => {
      const first = told.shift();
      if (first !== undefined) return Promise.resolve(first);
      const next = Promise.withResolvers<News>();
      waiting.push(next);
      return next.promise;
    },
    [Symbol.asyncDispose]: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}
