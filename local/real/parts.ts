/** `make parts`: installs the real servers and tools into a cache, and prints which there are. */
import { partsFolder } from "./cache.ts";
import { type FoundPart, installParts } from "./install.ts";

const MISTAKE = 2;

function rowOf({ title, version, path, advice }: FoundPart): string {
  const name = `${title} ${version}`.trim().padEnd(20);
  return path === undefined ? `  ${name}  missing: ${advice}.` : `  ${name}  ${path}`;
}

const found = Object.values(await installParts(partsFolder(process.env), console.log));
for (const part of found) console.log(rowOf(part));
if (found.some(({ path }) => path === undefined)) process.exitCode = MISTAKE;
