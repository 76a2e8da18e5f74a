/** Ours and the peers by turns: what the machine does meanwhile meets all of them alike. */

/** Each candidate twice a round, A B C C B A, so that a drift falls out of the round's ratios. */
export async function inTurns<Candidate, Result>(
  candidates: readonly Candidate[],
  measure: (candidate: Candidate) => Promise<Result>,
): Promise<ReadonlyMap<Candidate, readonly Result[]>> {
  const results = new Map<Candidate, Result[]>(candidates.map((candidate) => [candidate, []]));
  for (const candidate of [...candidates, ...candidates.toReversed()]) {
    results.get(candidate)?.push(await measure(candidate));
  }
  return results;
}
