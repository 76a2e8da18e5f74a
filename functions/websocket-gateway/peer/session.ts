/** A peer's stream: hello, what it missed, then what happens. */
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { Cursor, CursorCodec } from "../access/cursor.ts";
import { namesOf, type HistoryEvent } from "../history/audit-log.ts";
import type { Generation } from "../history/generation.ts";
import { HistoryGapError, type Recovery } from "../history/recovery.ts";
import { identityOf } from "../topic/ring-event.ts";
import type { Entry } from "../topic/ring.ts";
import type { Tail } from "../topic/tail.ts";
import { later, offsetOf, reaches, type Vector } from "../topic/vector.ts";
import type { Broadcast } from "./broadcast.ts";
import { closeCode, type Peer } from "./peer.ts";

/** Where a client wants to begin; `resume` of undefined: from something that is no cursor of ours, or is not known. */
export type Start =
  | { readonly from: "now" }
  | { readonly from: "cursor"; readonly cursor: Cursor | undefined };

export type ResumeSource = "ring" | "history" | "none";

export interface SessionOptions {
  readonly tail: Tail;
  readonly generation: Generation;
  readonly codec: CursorCodec;
  readonly broadcast: Broadcast;
  readonly recovery: Recovery;
  readonly log: Logger;
  readonly onResume: (source: ResumeSource) => void;
  /** Cursors without a generation are good at this process alone, so the first peers wait this long for it. */
  readonly generationPatienceMs: () => number;
}

const chunkBytes = 256 * 1024;
const topicPatienceMs = 2_000;
/** Identities of history that are remembered while a peer catches up. */
const maxRemembered = 10_000;

/** Resolves when the peer is live, or gone. */
export async function startSession(
  peer: Peer,
  start: Start,
  options: SessionOptions,
): Promise<void> {
  const { generation, generationPatienceMs, onResume, log } = options;
  const session = new Session(peer, options);
  try {
    if (start.from === "now") {
      await generation.settled(generationPatienceMs());
      return session.joinNow(undefined);
    }
    const source = start.cursor === undefined ? "none" : await session.resume(start.cursor);
    onResume(source);
    if (source === "none") session.joinNow(false);
  } catch (error) {
    // `recovered: true` was said: the client comes again with the last cursor that it has.
    if (!(error instanceof HistoryGapError)) log.error({ err: error }, "a stream failed");
    peer.close(closeCode.restart, "the missed events cannot be read now: resume");
  }
}

class Session {
  readonly #peer: Peer;
  readonly #options: SessionOptions;
  /** What the client has. */
  #position: number[] = [];
  readonly #sent = new Set<string>();

  constructor(peer: Peer, options: SessionOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  joinNow(recovered: boolean | undefined): void {
    if (this.#peer.closed.aborted) return;
    const { tail, broadcast } = this.#options;
    this.#position = [...tail.ring.head];
    this.#hello(recovered);
    broadcast.join(this.#peer, this.#position);
  }

  /** `none` where not all that was missed can be told: nothing was sent then. */
  async resume(cursor: Cursor): Promise<ResumeSource> {
    const { recovery, tail } = this.#options;
    const deadline = recovery.deadline();
    if (!(await this.#isTopicAsRead(deadline))) return "none";
    if (!(await recovery.isOfThisTopic(cursor, deadline))) return "none";
    this.#position = [...cursor.offsets];
    const isInRing = reaches(this.#position, tail.ring.begin);
    if (isInRing) this.#hello(true);
    else if (!(await this.#replayHistory(deadline, true))) return "none";
    while (!this.#peer.closed.aborted && !(await this.#replayRing())) {
      // Slower than the ring moves on: audit-log has what left it.
      await this.#replayHistory(recovery.deadline(), false);
    }
    return isInRing ? "ring" : "history";
  }

  /** A cursor means nothing in another topic. Where Kafka does not answer, the ring is what there is. */
  async #isTopicAsRead(deadline: number): Promise<boolean> {
    const { tail, recovery } = this.#options;
    const checked = tail.check(0).catch(() => undefined);
    const within = (ms: number) => Promise.race([checked, delay(ms, undefined, { ref: false })]);
    await within(topicPatienceMs);
    if (tail.isInDoubt) await within(recovery.leftMs(deadline));
    return !tail.isInDoubt;
  }

  /** False where the first page did not come. Throws HistoryGapError later on. */
  async #replayHistory(deadline: number, isFirst: boolean): Promise<boolean> {
    const { tail, recovery } = this.#options;
    const { view, closed, outbox } = this.#peer;
    const until = [...tail.ring.begin];
    const pages = recovery.pages({ view, from: this.#position, until }, deadline, closed);
    let isGreeted = !isFirst;
    try {
      for await (const events of pages) {
        if (!isGreeted) this.#hello(true);
        isGreeted = true;
        this.#send(events.map((event) => this.#historyFrame(event)));
        await outbox.room();
      }
    } catch (error) {
      if (isGreeted || !(error instanceof HistoryGapError)) throw error;
      return false;
    }
    this.#position = later(this.#position, until);
    return true;
  }

  /** True once the peer is live; false where entries left the ring before they were sent. */
  async #replayRing(): Promise<boolean> {
    const { tail, broadcast } = this.#options;
    const { ring } = tail;
    // What left while history was read is in history now.
    if (!reaches(this.#position, ring.begin)) return false;
    for (let sequence = ring.firstSequence; ;) {
      const frames: Buffer[] = [];
      for (let bytes = 0; bytes < chunkBytes; sequence++) {
        const entry = ring.at(sequence);
        if (entry === undefined) break;
        const frame = this.#ringFrame(entry);
        if (frame === undefined) continue;
        frames.push(frame);
        bytes += frame.length;
      }
      this.#send(frames);
      if (this.#peer.closed.aborted) return true;
      if (sequence === ring.nextSequence) {
        broadcast.join(this.#peer, this.#position);
        return true;
      }
      await nextTurn();
      await this.#peer.outbox.room();
      if (sequence < ring.firstSequence) return false;
    }
  }

  #historyFrame({ partition, offset, text }: HistoryEvent): Buffer {
    this.#advance(partition, offset);
    const { source, id } = namesOf(text);
    if (this.#sent.size < maxRemembered) this.#sent.add(identityOf(source, id));
    return this.#frame(text);
  }

  #ringFrame(entry: Entry): Buffer | undefined {
    const { partition, offset, identity, userId, text } = entry;
    if (offset < offsetOf(this.#position, partition)) return undefined;
    this.#advance(partition, offset);
    const { view } = this.#peer;
    const isVisible = userId === null ? view.hasUnowned : userId === view.userId;
    // Where an older record of the same event is in the ring, the client has that one.
    const isFirst = this.#options.tail.ring.find(identity) === entry;
    return isVisible && isFirst && !this.#sent.has(identity) ? this.#frame(text) : undefined;
  }

  #advance(partition: number, offset: number): void {
    while (this.#position.length <= partition) this.#position.push(0);
    this.#position[partition] = Math.max(offset + 1, offsetOf(this.#position, partition));
  }

  #hello(recovered: boolean | undefined): void {
    const { encoding, outbox } = this.#peer;
    outbox.push(encoding.hello(this.#cursor(this.#position), recovered), 1);
  }

  #frame = (text: Buffer): Buffer => this.#peer.encoding.event(this.#cursor(this.#position), text);

  #send(frames: readonly Buffer[]): void {
    if (frames.length > 0) this.#peer.outbox.push(Buffer.concat(frames), frames.length);
  }

  #cursor(position: Vector): string {
    const { codec, generation } = this.#options;
    return codec.sign(generation.name, position);
  }
}
