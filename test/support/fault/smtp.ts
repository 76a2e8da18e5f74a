/** Starts the mail server of a test that kills it. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stablePort } from "../../../local/process/replica/free-port.ts";
import { type RealServer, startServer } from "../../../local/real/server.ts";

export interface SmtpProcess extends RealServer {
  readonly url: string;
  /** Of all mails that it took, in their order. */
  subjects(): string[];
}

export async function startSmtp(folder: string): Promise<SmtpProcess> {
  const port = String(await stablePort());
  const file = join(folder, "mails");
  const server = await startServer({
    name: "the mail server",
    program: process.execPath,
    args: [join(import.meta.dirname, "smtp-main.ts"), port, file],
    cwd: folder,
    logPath: join(folder, "smtp.log"),
    readyLine: "ready",
    stopSignal: "SIGTERM",
  });
  return Object.assign(server, {
    url: `smtp://127.0.0.1:${port}`,
    subjects: () =>
      existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [],
  });
}
