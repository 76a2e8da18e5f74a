/** Installs what is missing of the real parts, and tells what is there; each failure costs only its own part. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../lib/host/error.ts";
import { lock } from "./cache.ts";
import { aptPrefix, installPackages } from "./install/debian.ts";
import { type Part, type PartName, PARTS } from "./part.ts";

export interface FoundPart {
  readonly name: PartName;
  readonly title: string;
  readonly version: string;
  /** A folder or a program; undefined where it is missing. */
  readonly path: string | undefined;
  /** How a person gets it, where it is missing. */
  readonly advice: string;
}

export type FoundParts = Readonly<Record<PartName, FoundPart>>;

/** Nothing is installed. */
export async function findParts(cache: string): Promise<FoundParts> {
  const found = await Promise.all(PARTS.map((part) => findPart(part, cache)));
  return byName(found);
}

/** `print` hears what takes its time. Twice, or by two at once, is as good as once. */
export async function installParts(
  cache: string,
  print: (line: string) => void,
): Promise<FoundParts> {
  mkdirSync(cache, { recursive: true });
  const refused = await tryPackages(cache, print);
  const found: FoundPart[] = [];
  for (const part of PARTS) found.push(await installPart(part, cache, { print, refused }));
  return byName(found);
}

const byName = (found: readonly FoundPart[]): FoundParts =>
  // Each name of the list is there once.
  Object.fromEntries(found.map((part) => [part.name, part])) as FoundParts;

async function findPart(part: Part, cache: string): Promise<FoundPart> {
  const { name, title, advice } = part;
  const path = await part.find(cache);
  const version = path === undefined ? "" : part.version(path);
  return { name, title, version, path, advice };
}

/** Gives why apt refused, where it did. */
async function tryPackages(
  cache: string,
  print: (line: string) => void,
): Promise<string | undefined> {
  const wanted = () => PARTS.flatMap((part) => part.packages(cache));
  if (wanted().length === 0 || aptPrefix() === undefined) return undefined;
  using _ = await lock(join(cache, "packages.lock"));
  const packages = wanted();
  if (packages.length === 0) return undefined;
  print(`Installing Debian's packages ${packages.join(", ")} …`);
  try {
    await installPackages(packages);
    return undefined;
  } catch (error) {
    return sentenceOf(error);
  }
}

async function installPart(
  part: Part,
  cache: string,
  { print, refused }: { print: (line: string) => void; refused: string | undefined },
): Promise<FoundPart> {
  const found = await findPart(part, cache);
  if (found.path !== undefined) return found;
  if (part.install === undefined) return withReason(found, refused);
  print(`Installing ${part.title} …`);
  try {
    await part.install(cache);
    return await findPart(part, cache);
  } catch (error) {
    // What a person must bring is in the advice already.
    return error instanceof UsageError ? found : withReason(found, sentenceOf(error));
  }
}

const withReason = (part: FoundPart, reason: string | undefined): FoundPart =>
  reason === undefined ? part : { ...part, advice: `${part.advice}. It failed here: ${reason}` };

const sentenceOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);
