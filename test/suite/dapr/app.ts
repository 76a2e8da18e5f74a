/** An app beside a sidecar: keeps what it is given, and answers as a test wants. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface Delivered {
  readonly partition: number;
  readonly offset: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: Record<string, unknown>;
  /** `data_base64` */
  readonly value: Buffer;
  readonly at: number;
}

/** A status, a body, or no answer at all. */
export type Answer = number | string | null;
/** `attempt` begins at 1. */
export type AnswerOf = (delivered: Delivered, attempt: number) => Answer;

export class App implements AsyncDisposable {
  readonly delivered: Delivered[] = [];
  /** By partition; 200 where there is none. */
  readonly answers = new Map<number, AnswerOf>();
  #server: Server | undefined;
  #port = 0;

  get port(): number | undefined {
    return this.#server === undefined ? undefined : this.#port;
  }

  async listen(port = this.#port): Promise<void> {
    const server = createServer({ maxHeaderSize: 4 * 1024 * 1024 }, (req, res) => {
      void buffer(req).then((bytes) => {
        if (req.method !== "POST") return res.writeHead(404).end();
        const answer = this.#take(req.url ?? "", req.headers, req.rawHeaders, bytes);
        if (answer === null) return undefined;
        return typeof answer === "number" ? res.writeHead(answer).end() : res.end(answer);
      });
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await new Promise<void>((resolve) => {
      if (server === undefined) return resolve();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  at({ partition, offset }: { partition: number; offset: number }): Delivered[] {
    return this.delivered.filter((it) => it.partition === partition && it.offset === offset);
  }

  #take(path: string, headers: IncomingHttpHeaders, rawHeaders: string[], bytes: Buffer): Answer {
    const body = JSON.parse(bytes.toString()) as Record<string, unknown>;
    const { data_base64: data } = body;
    const delivered: Delivered = {
      partition: Number(headers["__partition"]),
      offset: Number(headers["__offset"]),
      path,
      headers,
      rawHeaders,
      body,
      value: Buffer.from(typeof data === "string" ? data : "", "base64"),
      at: performance.now(),
    };
    this.delivered.push(delivered);
    const answer = this.answers.get(delivered.partition);
    return answer === undefined ? 200 : answer(delivered, this.at(delivered).length);
  }
}
