/** One Redis serves the sidecars of all replicas; so does one store a component, open as long as one of them uses it. */
import type { StateStore } from "./state-store.ts";

export interface SharedStore extends AsyncDisposable {
  readonly store: StateStore;
}

type OwnedStore = StateStore & AsyncDisposable;

const open = new Map<string, { store: Promise<OwnedStore>; users: number }>();
/** A store is opened again only when it is closed. */
const closing = new Map<string, Promise<void>>();

export async function shareStore(
  name: string,
  openStore: () => Promise<OwnedStore>,
): Promise<SharedStore> {
  await closing.get(name);
  const shared = open.get(name) ?? { store: openStore(), users: 0 };
  shared.users += 1;
  open.set(name, shared);
  const store = await shared.store;
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      open.delete(name);
      const closed = Promise.resolve(store[Symbol.asyncDispose]()).finally(() =>
        closing.delete(name),
      );
      closing.set(name, closed);
      await closed;
    },
  };
}
