/** From the start of a process to the answer to its first event. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { readMemory } from "../../support/process-tree.ts";
import { type ServerCommand, type SpawnedServer, spawnServer } from "./server-process.ts";

export interface FirstEvent {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

const pollMs = 1;
const limitMs = 30_000;

/** `request` is the text of an HTTP request; anything but 204 rejects. */
export async function timeFirstEvent(command: ServerCommand, request: string): Promise<FirstEvent> {
  await using server = await spawnServer(command);
  // Awaited here: the process must live until then.
  return await answered(server, request);
}

/** Ends it by SIGTERM, so that V8's compile cache is written. */
export async function runOnce(command: ServerCommand, request: string): Promise<void> {
  await using server = await spawnServer(command);
  await answered(server, request);
  const exited = once(server.child, "exit");
  server.child.kill("SIGTERM");
  await exited;
}

async function answered(server: SpawnedServer, request: string): Promise<FirstEvent> {
  const socket = await connected(server);
  socket.write(request, "latin1");
  const [answer] = (await once(socket, "data")) as [Buffer];
  const wallMs = performance.now() - server.spawnedAt;
  const cpuMs = server.cpuSeconds() * 1_000;
  const { ownBytes = 0, sharedBytes = 0 } = readMemory(server.pid) ?? {};
  socket.destroy();
  const [head = ""] = answer.toString("latin1").split("\r\n");
  if (!head.startsWith("HTTP/1.1 204")) throw new Error(`the first event was answered: ${head}`);
  return { wallMs, cpuMs, memoryBytes: ownBytes + sharedBytes };
}

async function connected({ port, child }: SpawnedServer): Promise<Socket> {
  for (const until = performance.now() + limitMs; ;) {
    const socket = connect(port, "127.0.0.1");
    try {
      await once(socket, "connect");
      return socket;
    } catch (error) {
      if (performance.now() > until || child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${child.spawnargs.join(" ")} does not listen`, { cause: error });
      }
      await delay(pollMs);
    }
  }
}
