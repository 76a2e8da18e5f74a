/** A client as it should be: it reconnects and resumes with its cursor, whatever becomes of the gateway. */
import { WebSocket } from "ws";
import type { Runner } from "../runner.ts";

interface Frame {
  readonly cursor: string;
  readonly recovered?: boolean;
  readonly event?: { readonly id: string };
}

const RECONNECT_MS = 1_000;
const HANDSHAKE_MS = 10_000;

export class Follower implements Disposable {
  readonly seen = new Set<string>();
  connections = 0;
  /** Where the gateway could not yet give what was missed. */
  refusals = 0;
  cursor: string | undefined;
  readonly #url: string;
  readonly #token: string;
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(runner: Runner, token: string) {
    this.#url = `ws://localhost:${runner.ports["websocket-gateway"]}/ws`;
    this.#token = token;
    this.#connect();
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#socket?.terminate();
  }

  #connect(): void {
    const query = this.cursor === undefined ? "" : `?cursor=${this.cursor}`;
    const socket = new WebSocket(`${this.#url}${query}`, "task-events.v1", {
      headers: { authorization: `Bearer ${this.#token}` },
      handshakeTimeout: HANDSHAKE_MS,
    });
    this.#socket = socket;
    socket.on("open", () => this.connections++);
    socket.on("message", (bytes: Buffer) => {
      if (this.#take(JSON.parse(bytes.toString()) as Frame)) return;
      // What is on its way already is of a stream that left something out: its cursors are not this client's.
      socket.removeAllListeners("message");
      socket.terminate();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      if (!this.#isStopped) this.#timer = setTimeout(() => this.#connect(), RECONNECT_MS);
    });
  }

  /** False where the audit log is still behind what was missed: the cursor stays good, and is tried again. */
  #take({ recovered, event, cursor }: Frame): boolean {
    if (recovered === false) {
      this.refusals++;
      return false;
    }
    if (event !== undefined) this.seen.add(event.id);
    this.cursor = cursor;
    return true;
  }
}
