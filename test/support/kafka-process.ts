/** The embedded log in a process of its own, so that it can be killed. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface KafkaProcess extends AsyncDisposable {
  readonly address: string;
  readonly child: ChildProcess;
  /** What it logged so far. */
  readonly log: readonly string[];
  /** kill -9. */
  kill(): Promise<void>;
}

const script = `
  // Else the first write beyond a limit on files would end the process instead of failing.
  process.on("SIGXFSZ", () => {});
  import { startKafka } from ${JSON.stringify(new URL("../../local/kafka/server.ts", import.meta.url).href)};
  const kafka = await startKafka({ dataDir: process.argv[1], port: 0, log: console.log }).catch((error) => {
    console.error(error.message);
    process.exit(2);
  });
  console.log("listening " + kafka.address);
`;

export interface KafkaProcessOptions {
  /** No file may grow beyond this: a disk that is full, without one. */
  readonly fileLimitKilobytes?: number;
}

export async function spawnKafka(
  dataDir: string,
  options: KafkaProcessOptions = {},
): Promise<KafkaProcess> {
  const { fileLimitKilobytes: limit } = options;
  // The unit of a POSIX shell is 512 bytes.
  const start = `ulimit -f ${limit === undefined ? "unlimited" : limit * 2}; exec "$0" "$@"`;
  const child = spawn(
    "sh",
    ["-c", start, process.execPath, "--input-type=module", "-e", script, dataDir],
    {
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const exited = once(child, "exit");
  const log: string[] = [];
  const address = Promise.withResolvers<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on("line", (line) => {
      log.push(line);
      if (line.startsWith("listening ")) address.resolve(line.slice("listening ".length));
    });
  }
  void exited.then(() => address.reject(new Error(`the log ended: ${log.join("\\n")}`)));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exited;
  };
  return { address: await address.promise, child, log, kill, [Symbol.asyncDispose]: kill };
}
