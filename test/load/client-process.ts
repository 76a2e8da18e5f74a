/** The WebSocket clients of a load, in a process of their own: notes when each frame came, and what it should not have got. */
import { once } from "node:events";
import { WebSocket } from "ws";
import { indexOf, stepOf, taskNumber, userOf } from "./event.ts";

export interface ClientsOrder {
  readonly url: string;
  /** One a client, which is the user with this index. */
  readonly tokens: readonly string[];
  readonly events: number;
}

export interface Seen {
  /** When a frame with the event came first, in ms since the epoch; 0 where none did. */
  readonly receivedAt: Float64Array;
  readonly frames: number;
  /** Events that a client got again, that are another user's, or that came before an earlier one of their task. */
  readonly repeated: number;
  readonly foreign: number;
  readonly early: number;
  /** Of clients that did not stay connected. */
  readonly closes: readonly string[];
}

export type ClientsNews = { readonly connected: true } | { readonly frames: number } | Seen;

const newsMs = 250;
const connectAtOnce = 20;

process.once("message", (order: ClientsOrder) => void run(order));
// Not without who asked for it.
process.once("disconnect", () => process.exit());

async function run({ url, tokens, events }: ClientsOrder): Promise<void> {
  const receivedAt = new Float64Array(events);
  const lastSteps = new Int8Array(events).fill(-1);
  const counts = { frames: 0, repeated: 0, foreign: 0, early: 0 };
  const closes: string[] = [];

  const take = (client: number, id: string): void => {
    const now = performance.timeOrigin + performance.now();
    const index = indexOf(id);
    counts.frames++;
    if (userOf(index, tokens.length) !== client) counts.foreign++;
    if (receivedAt[index] === 0) receivedAt[index] = now;
    else counts.repeated++;
    const task = taskNumber(index);
    if (stepOf(index) < (lastSteps[task] ?? 0)) counts.early++;
    lastSteps[task] = stepOf(index);
  };

  const connect = async (token: string, client: number): Promise<void> => {
    const headers = { authorization: `Bearer ${token}` };
    const socket = new WebSocket(url, "task-events.v1", { headers });
    const greeted = Promise.withResolvers<void>();
    socket.on("error", (error) => greeted.reject(error));
    socket.on("close", (code, reason) => closes.push(`${client}: ${code} ${reason.toString()}`));
    socket.on("message", (bytes: Buffer) => {
      const { type, event } = JSON.parse(bytes.toString()) as Frame;
      if (event !== undefined) take(client, event.id);
      else if (type === "hello") greeted.resolve();
    });
    await greeted.promise;
  };

  for (let first = 0; first < tokens.length; first += connectAtOnce) {
    const some = tokens.slice(first, first + connectAtOnce);
    await Promise.all(some.map((token, index) => connect(token, first + index)));
  }
  tell({ connected: true });
  const news = setInterval(() => tell({ frames: counts.frames }), newsMs);
  await once(process, "message");
  clearInterval(news);
  tell({ receivedAt, ...counts, closes });
}

interface Frame {
  readonly type: string;
  readonly event?: { readonly id: string };
}

const tell = (news: ClientsNews): void => void process.send?.(news);
