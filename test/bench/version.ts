/** The version of a package of this repository, as it is installed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export function packageVersion(name: string): string {
  const path = join(import.meta.dirname, "../../node_modules", name, "package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
