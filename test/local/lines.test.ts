/** The runner's lines: one write for all of a turn, in their order. */
import { describe, expect, it } from "vitest";
import { openLines } from "../../local/lines.ts";

describe("lines", () => {
  it("of one turn go out in one write, those of the next in another", async () => {
    const writes: string[] = [];
    const { print } = openLines((text) => writes.push(text));
    print("one");
    print("two");
    expect(writes).toEqual([]);
    await expect.poll(() => writes).toEqual(["one\ntwo\n"]);
    print("three");
    await expect.poll(() => writes).toEqual(["one\ntwo\n", "three\n"]);
  });

  it("that wait when the process ends are written by a flush, once", async () => {
    const writes: string[] = [];
    const { print, flush } = openLines((text) => writes.push(text));
    print("last");
    flush();
    flush();
    await new Promise(setImmediate);
    expect(writes).toEqual(["last\n"]);
  });
});
