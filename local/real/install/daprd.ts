/** daprd, built from Dapr's Go modules with only the components that this project's files name. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../../lib/host/error.ts";
import { installFolder } from "../cache.ts";
import { findProgram, run } from "../command.ts";

/** The newest whose modules are all to be had. */
export const DAPR_VERSION = "1.16.0";
const DAPR = "github.com/dapr/dapr";
const MAIN = join(import.meta.dirname, "daprd.go");

/** Another list of components is another daprd. */
const folderName = (): string => {
  const components = createHash("sha256").update(readFileSync(MAIN)).digest("hex").slice(0, 8);
  return `daprd-${DAPR_VERSION}-${components}`;
};

/** The program, where it is installed. */
export function findDaprd(cache: string): string | undefined {
  const program = join(cache, folderName(), "daprd");
  return existsSync(program) ? program : undefined;
}

export async function installDaprd(cache: string): Promise<void> {
  if (findProgram("go") === undefined) throw new UsageError("it needs Go 1.21 or newer");
  const name = folderName();
  await installFolder(cache, name, async (folder) => {
    // Outside of the folder: what an interrupted build has fetched and compiled serves the next one.
    const work = join(cache, `${name}.build`);
    await buildDaprd(work, join(folder, "daprd"));
    rmSync(work, { recursive: true, force: true });
  });
}

async function buildDaprd(work: string, program: string): Promise<void> {
  const sources = join(work, "source");
  mkdirSync(sources, { recursive: true });
  const go = (cwd: string, ...args: string[]) =>
    run("go", args, {
      cwd,
      env: {
        GOMODCACHE: join(work, "modules"),
        GOCACHE: join(work, "cache"),
        // -modcacherw: else the module cache cannot be removed.
        GOFLAGS: "-buildvcs=false -modcacherw -mod=mod",
        GOWORK: "off",
        CGO_ENABLED: "0",
      },
    });
  const found = await go(work, "mod", "download", "-json", `${DAPR}@v${DAPR_VERSION}`);
  writeSources(sources, (JSON.parse(found) as { Dir: string }).Dir);
  const version = `${DAPR}/pkg/buildinfo.version=${DAPR_VERSION}`;
  await go(sources, "build", "-trimpath", "-ldflags", `-s -w -X ${version}`, "-o", program, ".");
}

function writeSources(sources: string, dapr: string): void {
  const upstream = (path: string): string => readFileSync(join(dapr, path), "utf8");
  const write = (path: string, text: string): void => writeFileSync(join(sources, path), text);
  write("main.go", readFileSync(MAIN, "utf8"));
  // Upstream's entry point without its own list of components, which brings every cloud's SDK.
  const app = upstream("cmd/daprd/app/app.go")
    .replace(/^.*cmd\/daprd\/components".*\n/m, "")
    .replace(/^package app$/m, "package main");
  write("app.go", app);
  // `go install …@version` refuses a module with replacements; these are upstream's own, with its checksums.
  const module = upstream("go.mod")
    .replace(/^module .*$/m, "module task-events/daprd")
    .replace(/^require \($/m, `require (\n\t${DAPR} v${DAPR_VERSION}`);
  write("go.mod", module);
  write("go.sum", upstream("go.sum"));
}
