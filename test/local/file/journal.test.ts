/** What a journal gives back after a start. */
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Journal, type JournalState } from "../../../local/file/journal.ts";
import { makeFolder } from "../../support/folder.ts";

type Entry = readonly [key: string, value: number];

function table(): JournalState<Entry> & { readonly values: Map<string, number> } {
  const values = new Map<string, number>();
  return {
    values,
    apply: ([key, value]) => void values.set(key, value),
    snapshot: () => [...values],
  };
}

describe("a journal", () => {
  it("replays its entries, and forgets a line that a crash tore", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "journal");
    const first = await Journal.open<Entry>(path, table());
    await Promise.all([first.append(["a", 1]), first.append(["b", 2]), first.append(["a", 3])]);
    await first.close();
    await appendFile(path, '["c",');
    const state = table();
    const second = await Journal.open<Entry>(path, state);
    expect([...state.values]).toEqual([
      ["a", 3],
      ["b", 2],
    ]);
    await second.append(["d", 4]);
    await second.close();
    const third = table();
    await (await Journal.open<Entry>(path, third)).close();
    expect([...third.values.keys()]).toEqual(["a", "b", "d"]);
  });

  it("is rewritten when it has grown, and loses nothing by it", async () => {
    await using folder = await makeFolder();
    const path = join(folder.path, "journal");
    const journal = await Journal.open<Entry>(path, table());
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(
        Array.from({ length: 2000 }, (_, i) => journal.append([String(i % 10), round * 2000 + i])),
      );
    }
    await journal.append(["last", 1]);
    await journal.close();
    expect((await readFile(path, "utf8")).split("\n").length).toBeLessThan(3000);
    const state = table();
    await (await Journal.open<Entry>(path, state)).close();
    expect(state.values.get("9")).toBe(11_999);
    expect(state.values.get("last")).toBe(1);
  });
});
