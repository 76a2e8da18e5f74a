/** One Redis serves the sidecars of all replicas; so does one StateStore a file, open as long as one of them uses it. */
import { StateStore } from "./state-store.ts";

export interface SharedStore extends AsyncDisposable {
  readonly store: StateStore;
}

const open = new Map<string, { store: Promise<StateStore>; users: number }>();
/** A file is opened again only when it is closed. */
const closing = new Map<string, Promise<void>>();

export async function shareStore(path: string): Promise<SharedStore> {
  await closing.get(path);
  const shared = open.get(path) ?? { store: StateStore.open(path), users: 0 };
  shared.users += 1;
  open.set(path, shared);
  const store = await shared.store;
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      open.delete(path);
      const closed = store[Symbol.asyncDispose]().finally(() => closing.delete(path));
      closing.set(path, closed);
      await closed;
    },
  };
}
