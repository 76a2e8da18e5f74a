/** Servers that do not watch who started them end with it all the same, also when it is killed with -9. */
import { type ChildProcess, spawn } from "node:child_process";

/** The shell's input is a pipe that the system closes when this process ends; then it asks, waits 10 s, and kills. */
const SCRIPT = `
cat >/dev/null
kill -CONT "$1" && kill -"$2" "$1"
for _ in 0 1 2 3 4 5 6 7 8 9; do kill -0 "$1" || exit 0; sleep 1; done
kill -KILL "$1"
`;

export function guardProcess(pid: number, signal: NodeJS.Signals): Disposable {
  const guard: ChildProcess = spawn(
    "sh",
    ["-c", SCRIPT, "task-events-guard", String(pid), signal.slice("SIG".length)],
    // A group of its own: a terminal's Ctrl-C is not for it.
    { detached: true, stdio: ["pipe", "ignore", "ignore"] },
  );
  guard.on("error", () => undefined);
  guard.unref();
  return {
    [Symbol.dispose]() {
      if (guard.pid === undefined || guard.exitCode !== null) return;
      // The shell and its `cat`.
      process.kill(-guard.pid, "SIGKILL");
    },
  };
}
