/** Lines for the terminal, in one write for all of a turn: each delivery prints one, and each write is a system call. */

export interface Lines {
  readonly print: (line: string) => void;
  /** Writes what is pending now. */
  readonly flush: () => void;
}

export function openLines(write: (text: string) => void): Lines {
  let pending = "";
  const flush = (): void => {
    const text = pending;
    pending = "";
    if (text !== "") write(text);
  };
  return {
    print(line) {
      if (pending === "") setImmediate(flush);
      pending += `${line}\n`;
    },
    flush,
  };
}
