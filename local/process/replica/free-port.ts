/** A port of 127.0.0.1 that nothing listens on. Somebody may take it before it is used: whoever uses it must be able to try another. */
import { createServer, type AddressInfo } from "node:net";

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => resolve(true));
  });
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}

const FIRST_STABLE_PORT = 20_000;
const STABLE_PORTS = 10_000;

/** Below the range from which systems give ports to whoever asks for any: still free when a server that ended starts again. */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = FIRST_STABLE_PORT + Math.floor(Math.random() * STABLE_PORTS);
    if (await isPortFree(port)) return port;
  }
}
