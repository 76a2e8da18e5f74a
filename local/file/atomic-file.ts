/** Files that are either the old or the new content after a crash, never a part of one. */
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

export async function writeFileAtomically(path: string, content: string): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, "w");
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
}

export async function readFileIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** A new, renamed or removed file survives a power cut only when its folder was synced. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open a folder, and keeps its entries by itself.
  if (process.platform === "win32") return;
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What the system answers when the disk is full, read-only or broken, or too many files are open. */
export function isStorageError(error: unknown): error is Error {
  return ["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EROFS", "EMFILE", "ENFILE"].some((code) =>
    isErrno(error, code),
  );
}

/** A write that ends early without an error means the same as one that fails for want of room. */
export function diskFull(path: string): Error {
  return Object.assign(new Error(`${path} could not be written whole: the disk is full`), {
    code: "ENOSPC",
  });
}

export function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
