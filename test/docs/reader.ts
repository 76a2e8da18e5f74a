/** Readers of the documents: what a stranger's validator makes of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

export const docs = join(import.meta.dirname, "..", "..", "docs");
export const readText = (path: string): string => readFileSync(join(docs, path), "utf8");
export const readJson = (path: string): object => JSON.parse(readText(path)) as object;

export interface Example {
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload: unknown;
}

export interface Message {
  readonly headers?: object;
  readonly payload: object;
  readonly examples?: readonly Example[];
}

interface Document {
  readonly servers: Readonly<Record<string, { variables: { host: { default: string } } }>>;
  readonly channels: Readonly<Record<string, { address: string; "x-close-codes"?: object }>>;
  readonly components: { readonly messages: Readonly<Record<string, Message>> };
}

export const readAsyncApi = (): Document => parse(readText("asyncapi.yaml")) as Document;

/** AsyncAPI's schemas are those of JSON Schema draft 7. */
const draft7 = new Ajv({ strict: false, validateFormats: false });
draft7.addSchema({ $id: "asyncapi", ...readAsyncApi() });

export type Accepts = (value: unknown) => boolean;

export const acceptsOfMessage = (name: string, part: "headers" | "payload" = "payload"): Accepts =>
  draft7.compile({ $ref: `asyncapi#/components/messages/${name}/${part}` });

export const acceptsOfSchema = (schema: object): Accepts =>
  new Ajv2020({ strict: true, strictTypes: false, strictRequired: false }).compile(schema);
