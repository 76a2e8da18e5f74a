/**
 * What one turn of the event loop has to send goes out together at its end. A write wakes who reads it, and waking a
 * process that has fallen asleep since the write before costs as much as all else that an event does.
 */
const sends: (() => void)[] = [];

/** In the order of the calls; for a lone one the end of the turn is now. */
export function sendTogether(send: () => void): void {
  if (sends.push(send) === 1) setImmediate(sendAll);
}

function sendAll(): void {
  for (const send of sends.splice(0)) send();
}
