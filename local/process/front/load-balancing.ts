/** Which process gets a request: the activator's policies, pkg/activator/net/lb_policy.go. */

export interface Target {
  readonly ordinal: number;
  readonly inFlight: number;
}

/** One of those that may take it. Undefined where none has a place. */
export type Policy = <It extends Target>(targets: readonly It[]) => It | undefined;

/** Up to this `containerConcurrency` the first process is filled before the next. */
const FIRST_AVAILABLE_LIMIT = 3;

/** `random` gives numbers from 0 on, below 1. */
export function policyOf(concurrency: number, random: () => number = Math.random): Policy {
  if (concurrency === 0) return randomChoiceOf2(random);
  return concurrency <= FIRST_AVAILABLE_LIMIT
    ? firstAvailable(concurrency)
    : roundRobin(concurrency);
}

const inOrder = <It extends Target>(targets: readonly It[]): It[] =>
  targets.toSorted((a, b) => a.ordinal - b.ordinal);

const firstAvailable =
  (limit: number): Policy =>
  (targets) =>
    inOrder(targets).find(({ inFlight }) => inFlight < limit);

function roundRobin(limit: number): Policy {
  let next = 0;
  return (targets) => {
    const all = inOrder(targets);
    if (next >= all.length) next = 0;
    const turn = [...all.slice(next), ...all.slice(0, next)];
    const found = turn.find(({ inFlight }) => inFlight < limit);
    if (found !== undefined) next = all.indexOf(found) + 1;
    return found;
  };
}

function randomChoiceOf2(random: () => number): Policy {
  const below = (limit: number) => Math.floor(random() * limit);
  return (targets) => {
    if (targets.length < 2) return targets[0];
    const first = targets.length === 2 ? 0 : below(targets.length);
    let second = targets.length === 2 ? 1 : below(targets.length - 1);
    if (targets.length > 2 && second >= first) second += 1;
    const [pick, other] = [targets[first], targets[second]];
    if (pick === undefined || other === undefined) return pick ?? other;
    if (pick.inFlight === other.inFlight) return random() < 0.5 ? pick : other;
    return pick.inFlight < other.inFlight ? pick : other;
  };
}
