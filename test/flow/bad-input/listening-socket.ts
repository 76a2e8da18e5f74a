/** The TCP ports that a process and all its children listen on, from Linux's /proc. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ListeningSocket {
  readonly address: string;
  readonly port: number;
  readonly command: string;
}

const listening = "0A";

export function listeningSockets(pid: number): ListeningSocket[] {
  const byInode = new Map(["tcp", "tcp6"].flatMap(readTable));
  return family(pid).flatMap((member) =>
    socketsOf(member).flatMap((inode) => {
      const place = byInode.get(inode);
      return place === undefined ? [] : [{ ...place, command: commandOf(member) }];
    }),
  );
}

/** https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt */
function readTable(name: string): [string, { address: string; port: number }][] {
  const [, ...rows] = readFileSync(`/proc/net/${name}`, "utf8").trim().split("\n");
  return rows.flatMap((row) => {
    const [, local = "", , state, , , , , , inode = ""] = row.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    return state === listening
      ? [[inode, { address: readable(address), port: Number.parseInt(port, 16) }]]
      : [];
  });
}

const readable = (hex: string): string =>
  hex.length === 8 ? [...Buffer.from(hex, "hex")].reverse().join(".") : hex;

function family(pid: number): number[] {
  const parents = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const);
  const found = [pid];
  for (const member of found) {
    for (const [child, parent] of parents) if (parent === member) found.push(child);
  }
  return found;
}

const orEmpty = <T>(read: () => T, empty: T): T => {
  try {
    return read();
  } catch {
    // The process has ended meanwhile.
    return empty;
  }
};

const parentOf = (pid: string): number =>
  orEmpty(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  }, 0);

const commandOf = (pid: number): string =>
  orEmpty(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "), "");

const socketsOf = (pid: number): string[] =>
  orEmpty(
    () =>
      readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
        const link = orEmpty(() => readlinkSync(`/proc/${pid}/fd/${fd}`), "");
        return /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? [];
      }),
    [],
  );
