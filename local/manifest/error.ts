/** Mistakes in the YAML: one sentence each, with file and line. */
import { UsageError } from "../../lib/host/error.ts";
import type { Place } from "./resource.ts";

export interface Problem extends Place {
  sentence: string;
}

export class ManifestError extends UsageError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(inOrder(problems).map(toLine).join("\n"));
    this.problems = inOrder(problems);
  }
}

export const toLine = ({ file, line, sentence }: Problem): string => `${file}:${line}: ${sentence}`;

const inOrder = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line);
