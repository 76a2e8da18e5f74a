/** A way that an event goes, from its sender to whoever waits for it. */

export interface Hop extends AsyncDisposable {
  /** Resolves when the event has left; it is told to the listener when it has come. */
  send(id: string): Promise<unknown>;
  onArrival(listener: (id: string) => void): void;
}

/** What every hop carries: about what a task app sends. */
export const dataOf = (id: string) => ({
  task_id: `task-${id}`,
  user_id: userName,
  payload: {
    title: "Water the plants on the balcony",
    description: "A step of a task like any other. ".repeat(5),
  },
});

export const userName = "bench-user";
