/** A schema registry as the documents of Confluent and Redpanda describe its HTTP API, to the extent that is used. */
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { brokenPromise } from "../../../../docs/generate/compatibility.ts";

export const certificate = join(import.meta.dirname, "registry.pem");

/** What a registry keeps in its topic: it outlives the server. */
export interface RegistryState {
  readonly versions: Map<string, { id: number; schema: string }[]>;
  readonly levels: Map<string, string>;
}

export const emptyState = (): RegistryState => ({ versions: new Map(), levels: new Map() });

export interface RegistryServerOptions {
  readonly state?: RegistryState;
  readonly port?: number;
  readonly user?: string;
  readonly isSecure?: boolean;
  /** Answered in place of what it would do, one a request. */
  readonly script?: { status: number; body?: object | string }[];
}

class RegistryError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
    this.status = code > 999 ? Math.floor(code / 100) : code;
  }
}

export class RegistryServer implements AsyncDisposable {
  readonly requests: string[] = [];
  readonly #state: RegistryState;
  readonly #options: RegistryServerOptions;
  readonly #server: Server;

  private constructor(options: RegistryServerOptions) {
    this.#options = options;
    this.#state = options.state ?? emptyState();
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      void text(request).then((body) => this.#answer(request, body, response));
    };
    const pem = readFileSync(certificate);
    this.#server = options.isSecure
      ? createSecureServer({ key: pem, cert: pem }, listener)
      : createServer(listener);
  }

  static async start(options: RegistryServerOptions = {}): Promise<RegistryServer> {
    const registry = new RegistryServer(options);
    await new Promise<void>((resolve) => {
      registry.#server.listen(options.port ?? 0, "127.0.0.1", resolve);
    });
    return registry;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  urlOf(user = ""): string {
    const scheme = this.#options.isSecure ? "https" : "http";
    return `${scheme}://${user === "" ? "" : `${user}@`}127.0.0.1:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  #answer(request: IncomingMessage, body: string, response: ServerResponse): void {
    this.requests.push(`${request.method} ${request.url}`);
    const scripted = this.#options.script?.shift();
    if (scripted !== undefined) {
      const { status, body: given = "" } = scripted;
      response.writeHead(status, status === 301 ? { location: "/elsewhere" } : {});
      response.end(typeof given === "string" ? given : JSON.stringify(given));
      return;
    }
    response.setHeader("content-type", "application/vnd.schemaregistry.v1+json");
    try {
      this.#authorize(request);
      response.end(JSON.stringify(this.#do(request, JSON.parse(body) as Record<string, string>)));
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const { status, code, message } = error;
      response.writeHead(status).end(JSON.stringify({ error_code: code, message }));
    }
  }

  #authorize({ headers }: IncomingMessage): void {
    const { user } = this.#options;
    const wanted = `Basic ${Buffer.from(user ?? "").toString("base64")}`;
    if (user !== undefined && headers.authorization !== wanted) {
      throw new RegistryError(401, "Unauthorized");
    }
  }

  #do({ method, url = "", headers }: IncomingMessage, body: Record<string, string>): object {
    if (headers["content-type"] !== "application/vnd.schemaregistry.v1+json") {
      throw new RegistryError(415, "HTTP 415 Unsupported Media Type");
    }
    const [, config] = /^\/config\/([^/]+)$/.exec(url) ?? [];
    if (method === "PUT" && config !== undefined) {
      return this.#setLevel(decodeURIComponent(config), body["compatibility"] ?? "");
    }
    const [, subject] = /^\/subjects\/([^/]+)\/versions$/.exec(url) ?? [];
    if (method === "POST" && subject !== undefined) {
      return this.#register(decodeURIComponent(subject), body);
    }
    throw new RegistryError(404, "HTTP 404 Not Found");
  }

  #setLevel(subject: string, compatibility: string): object {
    if (!/^(?:NONE|(?:BACKWARD|FORWARD|FULL)(?:_TRANSITIVE)?)$/.test(compatibility)) {
      throw new RegistryError(42_203, "Invalid compatibility level");
    }
    this.#state.levels.set(subject, compatibility);
    return { compatibility };
  }

  #register(subject: string, { schemaType, schema = "" }: Record<string, string>): object {
    if (schemaType !== "JSON") throw new RegistryError(42_201, `Invalid schema ${schema}`);
    const present = JSON.parse(schema) as object;
    const versions = this.#state.versions.get(subject) ?? [];
    const known = versions.find((version) => version.schema === schema);
    if (known !== undefined) return { id: known.id };
    const level = this.#state.levels.get(subject) ?? "BACKWARD";
    for (const version of level === "NONE" ? [] : versions) {
      if (brokenPromise(subject, JSON.parse(version.schema) as object, present) !== null) {
        throw new RegistryError(
          409,
          "Schema being registered is incompatible with an earlier schema",
        );
      }
    }
    const ids = [...this.#state.versions.values()].flat().map(({ id }) => id);
    const id = Math.max(0, ...ids) + 1;
    this.#state.versions.set(subject, [...versions, { id, schema }]);
    return { id };
  }
}
