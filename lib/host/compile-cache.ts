/**
 * Loaded before a function, by its `start` script: lets Node find the compiled code that the build of its image left.
 * Node keeps it by the user's id, and another user builds an image than runs it.
 */
import { mkdtempSync, readdirSync, symlinkSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

try {
  const built = join(import.meta.dirname, "compile-cache");
  const [name = ""] = readdirSync(built);
  const folder = mkdtempSync(join(tmpdir(), "compile-cache-"));
  const ownName = name.replace(/\d+$/, String(process.getuid?.()));
  symlinkSync(join(built, name), join(folder, ownName));
  enableCompileCache(folder);
} catch {
  // None was built, or nothing can be written: the code is compiled anew, which takes a little longer.
}
