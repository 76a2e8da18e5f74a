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
  import { startKafka } from ${JSON.stringify(new URL("../../local/kafka/server.ts", import.meta.url).href)};
  const kafka = await startKafka({ dataDir: process.argv[1], port: 0, log: console.log }).catch((error) => {
    console.error(error.message);
    process.exit(2);
  });
  console.log("listening " + kafka.address);
`;

export async function spawnKafka(dataDir: string): Promise<KafkaProcess> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script, dataDir], {
    stdio: ["ignore", "pipe", "pipe"],
  });
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
