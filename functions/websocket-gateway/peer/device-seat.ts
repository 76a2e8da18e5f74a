/** Which connection is a named device, at this replica: a new one takes the seat of the one before. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { CursorCodec } from "../access/cursor.ts";
import { DeviceHold, deviceKey } from "../state/device.ts";
import type { StateStore } from "../state/state-store.ts";
import { closeCode, type Peer } from "./peer.ts";
import type { Start } from "./session.ts";

/** A redis-state that is away must not hold up the end of the process. */
const closeMs = 5_000;

export interface DeviceSeat {
  readonly peer: Peer;
  readonly hold: DeviceHold;
  /** When the last ack of the connection that had the device here before is kept. */
  readonly isFree: Promise<void>;
}

export interface SeatsOptions {
  readonly state: StateStore;
  readonly codec: CursorCodec;
  readonly log: Logger;
  /** How often it is looked whether another replica has the device now. */
  readonly checkMs: number;
}

export class DeviceSeats implements AsyncDisposable {
  readonly #options: SeatsOptions;
  readonly #seats = new Map<string, DeviceSeat>();
  /** Also of connections that have ended, until their last ack is kept. */
  readonly #holds = new Set<DeviceHold>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: SeatsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#check(), options.checkMs).unref();
  }

  seat(peer: Peer, device: string): DeviceSeat {
    const { state, codec, log } = this.#options;
    const key = deviceKey(peer.callerId, peer.view.userId, device);
    const onReplaced = (): void => peer.close(closeCode.replaced, "replaced by the same device");
    const hold = new DeviceHold(key, { state, codec, log, connection: peer.id, onReplaced });
    const before = this.#seats.get(key);
    const seat = { peer, hold, isFree: before?.hold.settle() ?? Promise.resolve() };
    this.#seats.set(key, seat);
    this.#holds.add(hold);
    before?.peer.close(closeCode.replaced, "replaced by the same device");
    peer.closed.addEventListener("abort", () => {
      if (this.#seats.get(key) === seat) this.#seats.delete(key);
      void hold.settle().then(() => this.#holds.delete(hold));
    });
    return seat;
  }

  /** Keeps the last acks. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    const settled = Promise.all([...this.#holds].map((hold) => hold.settle()));
    await Promise.race([settled, delay(closeMs, undefined, { ref: false })]);
  }

  async #check(): Promise<void> {
    for (const { hold } of this.#seats.values()) {
      // Without redis-state, a device may have two connections for a while.
      await hold.check().catch(() => undefined);
    }
  }
}

/** A cursor in the URL wins; a device without one resumes after its last ack. */
export async function deviceStart(
  seat: DeviceSeat | undefined,
  given: string | null,
  codec: CursorCodec,
): Promise<Start> {
  const givenStart: Start =
    given === null ? { from: "now" } : { from: "cursor", cursor: codec.verify(given) };
  if (seat === undefined) return givenStart;
  try {
    await seat.isFree;
    const acked = await seat.hold.take();
    return given === null && acked !== undefined ? { from: "cursor", cursor: acked } : givenStart;
  } catch {
    // What was acknowledged is not known: said as `recovered: false`. Live events come all the same.
    return given === null ? { from: "cursor", cursor: undefined } : givenStart;
  }
}
