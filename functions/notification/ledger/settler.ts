/** Writes down what became of attempts, many at a time, and does not let go while the database is away. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { allFulfilled, openGroupCommit } from "../../../lib/store/group-commit.ts";
import type { Settlement } from "./job.ts";

export interface SettlerOptions {
  /** True for each row whose lease was still ours. */
  readonly write: (settlements: readonly Settlement[]) => Promise<readonly boolean[]>;
  readonly log: Logger;
}

const retryMs = 1_000;
const maxSettlements = 500;

export class Settler {
  readonly #options: SettlerOptions;
  readonly #commit: (settlement: Settlement) => Promise<boolean>;
  readonly #givingUp = new AbortController();
  #isDown = false;
  #pending = 0;

  constructor(options: SettlerOptions) {
    this.#options = options;
    const { add } = openGroupCommit<Settlement, boolean>({
      commit: async (settlements) => allFulfilled(await this.#write(settlements)),
      maxItems: maxSettlements,
    });
    this.#commit = add;
  }

  /** Nothing is sent while it cannot be written down: it would be sent again. */
  get isDown(): boolean {
    return this.#isDown;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Resolves with false where the row is not ours any more, or nobody could be told. */
  async settle(settlement: Settlement): Promise<boolean> {
    this.#pending++;
    try {
      return await this.#commit(settlement);
    } finally {
      this.#pending--;
    }
  }

  /** Attempts that are not written down by now will be made again when their leases end. */
  giveUp(): void {
    this.#givingUp.abort();
  }

  async #write(settlements: readonly Settlement[]): Promise<readonly boolean[]> {
    const { write, log } = this.#options;
    const { signal } = this.#givingUp;
    while (!signal.aborted) {
      try {
        const written = await write(settlements);
        this.#isDown = false;
        return written;
      } catch (error) {
        this.#isDown = true;
        log.warn({ err: error, count: settlements.length }, "attempts could not be written down");
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
    log.error(
      { count: settlements.length },
      "attempts are not written down: they will be repeated",
    );
    return settlements.map(() => false);
  }
}
