/** A mail server that takes its time for each message: a process of its own, so that it costs nobody else's. */
import type { AddressInfo } from "node:net";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { SMTPServer } from "smtp-server";

export interface SmtpOrder {
  /** Say when so many more have come. */
  readonly expect: number;
}

export type SmtpNews = { readonly port: number } | { readonly arrived: SmtpArrived };

export interface SmtpArrived {
  readonly messages: number;
  /** By Message-ID. */
  readonly different: number;
}

const sendMs = Number(process.argv[2]);
let ids: (string | undefined)[] = [];
let expected = Infinity;

const server = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  // Beyond what any candidate opens.
  maxClients: 200,
  onData: (stream, _, done) => void take(stream).finally(done),
});

async function take(stream: Readable): Promise<void> {
  const message = await buffer(stream);
  await delay(sendMs);
  ids.push(/^message-id:\s*(\S+)/im.exec(message.toString("latin1"))?.[1]);
  tellArrived();
}

function tellArrived(): void {
  if (ids.length < expected) return;
  tell({ arrived: { messages: ids.length, different: new Set(ids).size } });
  ids = [];
  expected = Infinity;
}

const tell = (news: SmtpNews): void => void process.send?.(news);

process.on("message", ({ expect }: SmtpOrder) => {
  expected = expect;
  tellArrived();
});
process.once("disconnect", () => process.exit());

server.listen(0, "127.0.0.1", () => tell({ port: (server.server.address() as AddressInfo).port }));
