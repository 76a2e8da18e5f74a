/** Debian's packages, where this machine has apt and we may use it: as root, or with a sudo that asks for no password. */
import { spawnSync } from "node:child_process";
import { UsageError } from "../../../lib/host/error.ts";
import { findProgram, run } from "../command.ts";

/** `undefined` where packages cannot be installed from here. */
export function aptPrefix(): readonly string[] | undefined {
  if (findProgram("apt-get") === undefined) return undefined;
  if (process.getuid?.() === 0) return [];
  const sudo = spawnSync("sudo", ["-n", "true"]).status === 0;
  return sudo ? ["sudo", "-n"] : undefined;
}

/** Only the programs are wanted: no cluster and no service of Debian's own is made or started. */
const SCRIPT = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' > "$policy"
  chmod +x "$policy"
fi
conf=/etc/postgresql-common/createcluster.conf
if [ ! -e "$conf" ]; then
  mkdir -p "\${conf%/*}"
  echo 'create_main_cluster = false' > "$conf"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends "$@"
`;

export async function installPackages(packages: readonly string[]): Promise<void> {
  const prefix = aptPrefix();
  if (prefix === undefined) throw new UsageError("packages cannot be installed from here");
  const [program = "", ...args] = [...prefix, "sh", "-c", SCRIPT, "sh", ...packages];
  await run(program, args);
}
