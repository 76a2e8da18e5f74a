/** Waits that Ctrl-C breaks off; what was waited for goes on until its stack ends it. */

export type Breakable = <Value>(wait: Promise<Value>) => Promise<Value>;

/** They reject with the signal's reason. */
export function breakableBy(signal: AbortSignal | undefined): Breakable {
  if (signal === undefined) return (wait) => wait;
  const broken = new Promise<never>((_, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
  broken.catch(() => undefined);
  return (wait) => Promise.race([wait, broken]);
}
