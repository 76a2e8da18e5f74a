/** The process of the load, from outside: one for a whole part, so that it is warm when it counts. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { LoadNews, LoadOrder, LoadResult } from "./load-process.ts";

export interface Load extends AsyncDisposable {
  run(order: LoadOrder): Promise<LoadResult>;
}

export function startLoad(): Load {
  const child = fork(join(import.meta.dirname, "load-process.ts"));
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => {
    throw new Error(`the load ended with ${String(code)}`);
  });
  ended.catch(() => undefined);
  return {
    run: async (order) => {
      const answered = once(child, "message");
      child.send(order);
      const [news] = (await Promise.race([answered, ended])) as [LoadNews];
      if ("error" in news) throw new Error(news.error);
      return news;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
