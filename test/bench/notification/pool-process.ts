/** The limit: nodemailer's pool alone, that sends finished messages and does nothing else. */
import { createTransport } from "nodemailer";
import type { Mail } from "./mail.ts";

export interface PoolOrder {
  readonly mails: readonly Mail[];
}

export type PoolNews = "sent";

const [url = "", connections] = process.argv.slice(2);

const transport = createTransport({
  url,
  pool: true,
  maxConnections: Number(connections),
  maxMessages: Infinity,
  disableFileAccess: true,
  disableUrlAccess: true,
});

process.on("message", ({ mails }: PoolOrder) => {
  void Promise.all(mails.map((mail) => transport.sendMail(mail))).then(() =>
    process.send?.("sent"),
  );
});
process.once("disconnect", () => process.exit());
