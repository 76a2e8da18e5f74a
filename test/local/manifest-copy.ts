/** The repository's own YAML in a folder of its own, for a test to change. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FOLDERS } from "../../local/manifest/read.ts";

export const REPOSITORY = join(import.meta.dirname, "../..");

export interface ManifestCopy extends Disposable {
  readonly root: string;
  /** Replaces the first match, which must be there. */
  edit(file: string, from: string | RegExp, to: string): ManifestCopy;
  write(file: string, text: string): ManifestCopy;
}

export function copyManifest(): ManifestCopy {
  const root = mkdtempSync(join(tmpdir(), "manifest "));
  for (const folder of FOLDERS) {
    cpSync(join(REPOSITORY, folder), join(root, folder), { recursive: true });
  }
  const copy: ManifestCopy = {
    root,
    edit(file, from, to) {
      const text = readFileSync(join(root, file), "utf8");
      const changed = text.replace(from, to);
      if (changed === text) throw new Error(`${file} has no ${String(from)}`);
      return copy.write(file, changed);
    },
    write(file, text) {
      writeFileSync(join(root, file), text);
      return copy;
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
  return copy;
}
