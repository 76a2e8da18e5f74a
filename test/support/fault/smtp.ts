/** Starts the mail server of a test that kills it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type RealServer, startServer } from "../../../local/real/server.ts";
import { portsFor } from "../port.ts";

export interface SmtpProcess extends RealServer {
  readonly url: string;
  /** Of all mails that it took, in their order. */
  subjects(): string[];
}

export async function startSmtp(folder: string): Promise<SmtpProcess> {
  const { port } = await portsFor(["port"]);
  const file = join(folder, "mails");
  const server = await startServer({
    name: "the mail server",
    program: process.execPath,
    args: [join(import.meta.dirname, "smtp-main.ts"), String(port), file],
    cwd: folder,
    logPath: join(folder, "smtp.log"),
    readyLine: "ready",
    stopSignal: "SIGTERM",
  });
  return Object.assign(server, {
    url: `smtp://127.0.0.1:${String(port)}`,
    subjects: () =>
      existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [],
  });
}
