/** A progress bar on a terminal; elsewhere nothing, so that logs and scripts stay clean. */
import { SingleBar } from "cli-progress";

export interface Progress extends Disposable {
  readonly advance: (by: number) => void;
}

export function startProgress(total: number, what: string): Progress {
  if (!process.stderr.isTTY || total === 0)
    return { advance: () => {}, [Symbol.dispose]: () => {} };
  const bar = new SingleBar({
    format: `${what} {bar} {percentage}% {value}/{total} {eta_formatted} left`,
    hideCursor: true,
  });
  bar.start(total, 0);
  return { advance: (by) => bar.increment(by), [Symbol.dispose]: () => bar.stop() };
}
