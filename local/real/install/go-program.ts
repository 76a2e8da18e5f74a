/** Programs of which only the sources are published: built from their Go modules, checked by Go's checksum database. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../../lib/host/error.ts";
import { installFolder } from "../cache.ts";
import { findProgram, run } from "../command.ts";

export interface GoProgram {
  readonly name: string;
  /** The package of its main(). */
  readonly module: string;
  readonly version: string;
}

export const kustomize: GoProgram = {
  name: "kustomize",
  module: "sigs.k8s.io/kustomize/kustomize/v5",
  version: "5.7.1",
};

export const kubectlValidate: GoProgram = {
  name: "kubectl-validate",
  module: "sigs.k8s.io/kubectl-validate",
  version: "0.0.4",
};

const folderName = ({ name, version }: GoProgram): string => `${name}-${version}`;

/** The program, where it is installed. */
export function findGoProgram(cache: string, program: GoProgram): string | undefined {
  const path = join(cache, folderName(program), program.name);
  return existsSync(path) ? path : undefined;
}

export async function installGoProgram(cache: string, program: GoProgram): Promise<void> {
  if (findProgram("go") === undefined) throw new UsageError("it needs Go 1.21 or newer");
  const { module, version } = program;
  const name = folderName(program);
  await installFolder(cache, name, async (folder) => {
    const work = join(cache, `${name}.build`);
    await run("go", ["install", `${module}@v${version}`], {
      env: {
        GOBIN: folder,
        GOMODCACHE: join(work, "modules"),
        GOCACHE: join(work, "cache"),
        // -modcacherw: else the module cache cannot be removed.
        GOFLAGS: "-modcacherw",
        GOWORK: "off",
        CGO_ENABLED: "0",
      },
    });
    rmSync(work, { recursive: true, force: true });
  });
}
