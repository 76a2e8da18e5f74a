/** A real mail server and a real SMS server in this process, which do as a test says. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

export interface CaughtMail {
  readonly mail: ParsedMail;
  readonly raw: string;
  readonly to: readonly string[];
}

/** Changed by tests while the servers run. */
export interface MailBehaviour {
  /** Before RCPT TO is answered. */
  rcptDelayMs: (address: string) => number;
  /** An SMTP answer such as `{code: 550, text: "no such user"}`; undefined takes it. */
  refuse: (address: string) => { code: number; text: string } | undefined;
  /** After the message was kept, before 250. */
  afterData: (caught: CaughtMail) => Promise<void>;
}

export interface MailServer extends AsyncDisposable {
  readonly url: string;
  readonly mails: CaughtMail[];
  readonly behaviour: MailBehaviour;
  readonly connections: () => number;
}

export async function startMailServer(port = 0): Promise<MailServer> {
  const mails: CaughtMail[] = [];
  let connections = 0;
  const behaviour: MailBehaviour = {
    rcptDelayMs: () => 0,
    refuse: () => undefined,
    afterData: async () => undefined,
  };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 50,
    onConnect: (_, done) => {
      connections++;
      done();
    },
    onRcptTo: ({ address }, _, done) => {
      const refusal = behaviour.refuse(address);
      const error =
        refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.code });
      const delayMs = behaviour.rcptDelayMs(address);
      if (delayMs === 0) done(error);
      else setTimeout(() => done(error), delayMs).unref();
    },
    onData: (stream, session, done) => {
      const keep = async (): Promise<void> => {
        const raw = await buffer(stream);
        const to = session.envelope.rcptTo.map(({ address }) => address);
        const caught = { mail: await simpleParser(raw), raw: raw.toString(), to };
        mails.push(caught);
        await behaviour.afterData(caught);
      };
      // A message that broke off is not kept, and nobody is there to be answered.
      keep().then(
        () => setImmediate(done),
        () => undefined,
      );
    },
  });
  server.on("error", () => undefined);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const address = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    mails,
    behaviour,
    connections: () => connections,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export interface CaughtSms {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly form: Readonly<Record<string, string>>;
}

export interface SmsServer extends AsyncDisposable {
  readonly url: string;
  readonly messages: CaughtSms[];
  /** The status of each answer, with a JSON body and headers. */
  answer: (sms: CaughtSms) => {
    status: number;
    body?: object;
    headers?: Record<string, string>;
    delayMs?: number;
  };
}

export async function startSmsServer(): Promise<SmsServer> {
  const messages: CaughtSms[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const form = Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
      const sms = { path: request.url ?? "", headers: request.headers, form };
      const { status, body = {}, headers = {}, delayMs = 0 } = started.answer(sms);
      if (status < 300) messages.push(sms);
      void delay(delayMs).then(() =>
        response
          .writeHead(status, { "content-type": "application/json", ...headers })
          .end(JSON.stringify(body)),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const started: SmsServer = {
    url: `http://AC1:secret@127.0.0.1:${port}`,
    messages,
    answer: () => ({ status: 201, body: { sid: "SM1" } }),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return started;
}
