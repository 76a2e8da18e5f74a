/** The channel e-mail: SMTP through nodemailer's pool of connections. */
import { finished, Readable } from "node:stream";
import type { MailMessage, SMTPTransportOptions, Transporter } from "nodemailer";
import type { Channel, Outgoing } from "./channel.ts";
import { DeliveryError, type DeliveryFailure } from "../send/delivery-error.ts";

export interface MailOptions {
  readonly url: string;
  /** PEM, for a server whose authority the system does not know. */
  readonly ca?: string | undefined;
  /** `Name <address>` or an address. */
  readonly from: string;
  readonly maxConnections: number;
  readonly attemptMs?: number;
}

/** nodemailer's own limits are minutes: a lease must outlast the whole attempt. */
const attemptMs = 30_000;

export function openMailChannel(options: MailOptions): Channel {
  const limitMs = options.attemptMs ?? attemptMs;
  const domain = /@([^\s>]+)>?$/.exec(options.from)?.[1] ?? "localhost";
  let transport: Promise<Transporter> | undefined;
  return {
    name: "email",
    attemptMs: limitMs,
    laneOf: (address) => address.slice(address.lastIndexOf("@") + 1).toLowerCase(),
    send: async (outgoing) => {
      // Loaded with the first e-mail: a cold start that only records events does not pay for it.
      transport ??= loadTransport(options, limitMs);
      const mailer = await transport;
      try {
        await mailer.sendMail(toMail(outgoing, options.from, domain));
      } catch (error) {
        throw toDeliveryError(error);
      }
    },
    [Symbol.asyncDispose]: async () => (await transport)?.close(),
  };
}

/** An import of node:tls would decode all of the system's authorities at each cold start. */
const withRoots = (ca: string): string[] => [
  ...process.getBuiltinModule("node:tls").rootCertificates,
  ca,
];

async function loadTransport(options: MailOptions, limitMs: number): Promise<Transporter> {
  const { createTransport } = await import("nodemailer");
  const timeouts: SMTPTransportOptions = {
    connectionTimeout: limitMs / 3,
    greetingTimeout: limitMs / 3,
    dnsTimeout: limitMs / 3,
    socketTimeout: limitMs / 2,
  };
  const transport = createTransport({
    ...timeouts,
    url: options.url,
    ...(options.ca === undefined ? {} : { tls: { ca: withRoots(options.ca) } }),
    pool: true,
    maxConnections: options.maxConnections,
    maxMessages: 1_000,
    idleTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  transport.use("stream", (mail, done) => {
    holdBack(mail);
    done();
  });
  return transport;
}

type Held = { isLeased?: () => boolean };

/** The last moment: the server answered DATA with 354, and the first byte of the message is about to leave. */
function holdBack(mail: MailMessage): void {
  // `sendMail` hands its argument on unchanged: `toMail` put the question there.
  const { isLeased } = mail.data as Held;
  mail.message.processFunc((input) => inOnePiece(input, isLeased ?? (() => true)));
}

/**
 * nodemailer makes a message of many small pieces, and each would be a write of its own. Nothing is read before it is
 * asked for: the answer to `isLeased` is one of the last moment.
 */
function inOnePiece(input: Readable, isLeased: () => boolean): Readable {
  const pieces: Buffer[] = [];
  let isAsked = false;
  return new Readable({
    read() {
      if (isAsked) return;
      isAsked = true;
      input.on("data", (piece: Buffer) => pieces.push(piece));
      finished(input, { writable: false }, (error) => {
        const failure = error ?? (isLeased() ? undefined : leaseLost());
        if (failure !== undefined) return void this.destroy(failure);
        this.push(Buffer.concat(pieces));
        this.push(null);
      });
    },
  });
}

const leaseLost = () => new DeliveryError("lease_lost", "the lease ended before DATA");

function toMail(outgoing: Outgoing, from: string, domain: string) {
  const { address, message, stableId, traceparent, isLeased, signal } = outgoing;
  return {
    from,
    to: { name: "", address },
    subject: message.subject,
    text: message.text,
    html: message.html,
    messageId: `<${stableId}@${domain}>`,
    headers: {
      "Auto-Submitted": "auto-generated",
      ...(traceparent === undefined ? {} : { Traceparent: traceparent }),
    },
    signal,
    isLeased,
  };
}

/** What nodemailer's errors carry: `code`, and of an SMTP answer `responseCode`, `response`, `command`. */
interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly command?: string;
  readonly timeoutType?: string;
  readonly message: string;
}

export function toDeliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const failed: SmtpError = error instanceof Error ? error : new Error(String(error));
  const reason = failed.response ?? failed.message;
  return new DeliveryError(failureOf(failed), reason, { cause: error });
}

function failureOf({ code, responseCode = 0, command, timeoutType }: SmtpError): DeliveryFailure {
  if (code === "EABORT" || timeoutType === "SOCKET_TIMEOUT") return "silent";
  // 421: the server closes the connection, whatever was sent.
  if (responseCode === 421) return "unavailable";
  if (code === "EMESSAGE" || code === "EENVELOPE") {
    // RFC 5321, 4.2.1. A refused sender is our mistake, not the recipient's; 503 is a lost session.
    const isForGood = responseCode >= 500 && responseCode !== 503 && command !== "MAIL FROM";
    return isForGood || command === "API" ? "permanent" : "temporary";
  }
  return "unavailable";
}
