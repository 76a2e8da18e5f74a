/** A mail server as a process of its own: what it answered 250 to is a line of its file, whatever becomes of it. */
import { appendFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

const [, , port = "", file = ""] = process.argv;

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS", "AUTH"],
  disableReverseLookup: true,
  closeTimeout: 100,
  onData: (stream, _, done) => {
    keep(stream).then(() => setImmediate(done), done);
  },
});
async function keep(stream: Readable): Promise<void> {
  const { subject = "" } = await simpleParser(await text(stream));
  appendFileSync(file, `${subject}\n`);
}

server.on("error", () => undefined);
server.listen(Number(port), "127.0.0.1", () => process.stdout.write("ready\n"));
process.once("SIGTERM", () => server.close(() => process.exit(0)));
