/** A mail server that speaks TLS under an authority of its own: mail goes there when it is trusted, and not otherwise. */
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openMailChannel } from "../../functions/notification/channel/mail.ts";
import { makeCertificate } from "../../local/real/kafka/certificate.ts";
import { type Folder, makeFolder } from "../support/folder.ts";
import { lacks } from "../support/real.ts";

// Its certificates are made by Java's keytool.
describe.skipIf(lacks("kafka")).each([
  ["smtps:", true],
  ["smtp: and STARTTLS", false],
])("a mail server by %s", (_, secure) => {
  const mails: string[] = [];
  let folder: Folder;
  let server: SMTPServer;
  let ca: string;
  let url: string;

  beforeAll(async () => {
    folder = await makeFolder();
    const { keystore, caFile } = await makeCertificate(folder.path, "a pass phrase");
    ca = readFileSync(caFile, "utf8");
    server = new SMTPServer({
      secure,
      pfx: readFileSync(keystore),
      passphrase: "a pass phrase",
      authOptional: true,
      closeTimeout: 50,
      onData: (stream, session, done) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          mails.push(`${String(session.secure)} ${Buffer.concat(parts).toString()}`);
          done();
        });
      },
    });
    server.on("error", () => undefined);
    const listening = server.listen(0, "127.0.0.1");
    await new Promise((resolve) => listening.once("listening", resolve));
    const { port } = listening.address() as AddressInfo;
    url = `${secure ? "smtps" : "smtp"}://127.0.0.1:${String(port)}`;
  });

  afterAll(async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await folder[Symbol.asyncDispose]();
  });

  async function send(options: { ca?: string }): Promise<void> {
    const from = "Tasks <tasks@example.test>";
    await using channel = openMailChannel({ url, from, maxConnections: 1, ...options });
    await channel.send({
      address: "u1@example.test",
      message: { subject: "Hello", text: "text", html: "<p>html</p>", sms: "" },
      stableId: "id-1",
      traceparent: undefined,
      isLeased: () => true,
      signal: new AbortController().signal,
    });
  }

  it("gets the mail, encrypted, where SMTP_CA_FILE has its authority", async () => {
    await send({ ca });
    expect(mails).toEqual([expect.stringMatching(/^true [^]*Subject: Hello/)]);
  });

  it("gets nothing where it has not", async () => {
    mails.length = 0;
    await expect(send({})).rejects.toThrow("self-signed certificate");
    expect(mails).toEqual([]);
  });
});
