/** Where the topic ended, and when: so the age of a position is known without reading a record or trusting a producer's clock. */
import type { Ages, Positions } from "../topic/lag.ts";

/** Where each partition ended; index: partition. */
interface Sighting {
  readonly atMs: number;
  readonly ends: readonly number[];
}

/** Beyond it they are thinned out: of what was days ago, minutes do not matter. */
const most = 512;

export class EndHistory {
  /** Oldest first. */
  #sightings: Sighting[] = [];

  get isEmpty(): boolean {
    return this.#sightings.length === 0;
  }

  add(sighting: Sighting): void {
    const last = this.#sightings.at(-1);
    // The topic was made again: its offsets mean something else.
    if (last?.ends.some((end, partition) => end > (sighting.ends[partition] ?? 0)) === true) {
      this.#sightings = [];
    }
    this.#sightings.push(sighting);
    if (this.#sightings.length > most) this.#sightings.splice(this.#leastMissed(), 1);
  }

  /** Index of the one whose going leaves the smallest gap, measured by its age. */
  #leastMissed(): number {
    const times = this.#sightings.map(({ atMs }) => atMs);
    const now = times.at(-1) ?? 0;
    const gaps = times.slice(2).map((next, index) => {
      const [before = 0, at = 0] = times.slice(index, index + 2);
      return (next - before) / (now - at);
    });
    return gaps.indexOf(Math.min(...gaps)) + 1;
  }

  /** At least so old is the record at each position: since the first sighting of a later end. */
  agesOf(positions: Positions): Ages {
    return new Map(
      positions.map((offsets, partition) => [
        partition,
        offsets.flatMap((offset) => {
          const passed = this.#sightings.find(({ ends }) => (ends[partition] ?? 0) > offset);
          return passed === undefined ? [] : [{ offset, atMs: passed.atMs }];
        }),
      ]),
    );
  }
}
