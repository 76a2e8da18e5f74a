/** The process of the clients, from outside. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ConnectOrder, CrowdNews, CrowdOrder, Published } from "./crowd-process.ts";

export interface Crowd extends AsyncDisposable {
  /** Those of before leave. */
  connect(order: Omit<ConnectOrder, "kind">): Promise<void>;
  publish(perSecond: number, ms: number): Promise<Published>;
}

export function startCrowd(): Crowd {
  const child = fork(join(import.meta.dirname, "crowd-process.ts"));
  const exited = once(child, "exit");
  const ended = exited.then(([code]) => {
    throw new Error(`the clients ended with ${String(code)}`);
  });
  ended.catch(() => undefined);
  const ask = async (order: CrowdOrder): Promise<CrowdNews> => {
    const answered = once(child, "message");
    child.send(order);
    const [news] = (await Promise.race([answered, ended])) as [CrowdNews];
    if ("error" in news) throw new Error(news.error);
    return news;
  };
  return {
    connect: async (order) => void (await ask({ kind: "connect", ...order })),
    publish: async (perSecond, ms) => {
      const news = await ask({ kind: "publish", perSecond, ms });
      if ("deliveries" in news) return news;
      throw new Error("the clients did not publish");
    },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}
