/** What every table of bad input stands on: a whole runner, a good event beside the bad ones, and nothing that ended. */
import { expect, vi } from "vitest";
import { WebSocket } from "ws";
import { Runner, type RunnerOptions } from "../../support/runner.ts";

export interface Entry {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly time: string | null;
  readonly task_id: string | null;
  readonly user_id: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly data: unknown;
  readonly data_base64?: string;
  readonly problem: { code: string; message: string } | null;
}

export interface DeadLetter {
  readonly function: string;
  readonly code: number | null;
  readonly reason: string | null;
  readonly event: { id: string; source: string; type: string } | null;
}

export interface Frame {
  readonly type: string;
  readonly cursor: string;
  readonly recovered?: boolean;
  readonly event?: { id: string; source: string; type: string; data?: unknown };
}

export interface Client {
  readonly frames: Frame[];
  readonly socket: WebSocket;
  ids(): string[];
}

/** Lines that a bug or an ended process leaves in the output. */
const alarm = /ended with|ERROR|  500  /;
/** What Knative drops too. The second: a record whose content type lies, which its dead letter keeps. */
const expected =
  /dropped: a header value is null or has a control character|dropped: the deadLetterSink answered 400/;

export class Scene implements AsyncDisposable {
  readonly runner: Runner;
  #goodEvents = 0;

  private constructor(runner: Runner) {
    this.runner = runner;
  }

  static async open(options?: RunnerOptions): Promise<Scene> {
    return new Scene(await Runner.start(options));
  }

  async entries(query = "limit=1000"): Promise<Entry[]> {
    const path = `/entries?${query}`;
    return (await this.runner.json<{ entries: Entry[] }>("audit-log", path, "admin", "admin"))
      .entries;
  }

  async deadLetters(): Promise<DeadLetter[]> {
    const path = "/api/dead-letters?limit=1000";
    return (await this.runner.json<{ dead_letters: DeadLetter[] }>("console", path)).dead_letters;
  }

  async mails(): Promise<{ subject: string; text: string }[]> {
    const path = "/api/mail?limit=1000";
    return (
      await this.runner.json<{ messages: { subject: string; text: string }[] }>("console", path)
    ).messages;
  }

  /** A connected client that has had its hello. */
  async connect(user: string, { query = "", scope = "" } = {}): Promise<Client> {
    const frames: Frame[] = [];
    const url = `ws://localhost:${this.runner.ports["websocket-gateway"]}/ws${query}`;
    const headers = { authorization: `Bearer ${await this.runner.token(user, scope)}` };
    const socket = new WebSocket(url, "task-events.v1", { headers });
    socket.on("message", (bytes: Buffer) => frames.push(JSON.parse(bytes.toString()) as Frame));
    await until(() => expect(frames[0]?.type).toBe("hello"));
    return { frames, socket, ids: () => frames.flatMap(({ event }) => event?.id ?? []) };
  }

  /** A good event still makes its whole way, and nothing ended or failed on the way here. */
  async expectUnharmed(): Promise<void> {
    const id = `good-${++this.#goodEvents}`;
    const client = await this.connect("u1");
    const attributes = { id, type: "task.created", partitionkey: id };
    expect(await this.runner.post(attributes, task(id))).toBe(202);
    await until(() => expect(client.ids()).toContain(id));
    await until(async () => {
      expect((await this.entries(`task_id=${id}`)).map((entry) => entry.id)).toEqual([id]);
      expect((await this.mails()).filter(({ subject }) => subject.includes(id))).toHaveLength(1);
    });
    client.socket.close();
    expect(this.alarms()).toEqual([]);
  }

  alarms(): string[] {
    return this.runner.output
      .split("\n")
      .filter((line) => alarm.test(line) && !expected.test(line));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.runner[Symbol.asyncDispose]();
  }
}

export const task = (id: string, user = "u1", payload: object = {}) => ({
  task_id: id,
  user_id: user,
  payload: { title: `Task ${id}`, ...payload },
});

/** The name of a case as an id. */
export const slug = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");

export const until = async (check: () => unknown, timeout = 60_000): Promise<void> => {
  await vi.waitFor(check, { timeout, interval: 200 });
};
