/** Reads environment variables: typed values, or one sentence for each that is missing or wrong. */
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { UsageError } from "./error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Collects all mistakes, so that a person sees them at once: `const read = readVariables(env); …; read.check();` */
export function readVariables(env: Environment) {
  const mistakes: string[] = [];
  const mistake = (sentence: string): void => void mistakes.push(sentence);

  const optional = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);

  const required = (name: string, meaning: string): string => {
    const value = optional(name);
    if (value === undefined) mistake(`${name} is not set: ${meaning}.`);
    return value ?? "";
  };

  const integer = (name: string, fallback: number, min: number, max: number): number => {
    const text = optional(name);
    if (text === undefined) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    mistake(`${name} must be a whole number from ${min} to ${max}, not "${text}".`);
    return fallback;
  };

  /** `protocols` with their colon. The value itself is never repeated: URLs carry passwords. */
  const url = (name: string, protocols: readonly string[], meaning: string): string => {
    const value = required(name, meaning);
    const isUrl = URL.canParse(value) && protocols.includes(new URL(value).protocol);
    if (value !== "" && !isUrl) {
      mistake(
        `${name} must be a URL that starts with ${protocols.map((p) => `${p}//`).join(" or ")}.`,
      );
    }
    return value;
  };

  const optionalUrl = (name: string, protocols: readonly string[]): string | undefined =>
    optional(name) === undefined ? undefined : url(name, protocols, "");

  /** The text of the file that a variable names. */
  const file = (name: string): string | undefined => {
    const path = optional(name);
    if (path === undefined) return undefined;
    const { text, problem } = readText(path);
    if (problem !== undefined) mistake(`The file of ${name} cannot be read (${problem} ${path}).`);
    return text;
  };

  /** Certificates of authorities, from a file in PEM. */
  const certificates = (name: string): string | undefined => {
    const pem = file(name);
    if (pem === undefined || isCertificate(pem)) return pem;
    mistake(`The file of ${name} has no certificate in PEM (-----BEGIN CERTIFICATE-----).`);
    return undefined;
  };

  const check = (): void => {
    if (mistakes.length > 0) throw new UsageError(mistakes.join("\n"));
  };

  return { optional, required, integer, url, optionalUrl, file, certificates, mistake, check };
}

function readText(path: string): { text?: string; problem?: string } {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { problem: (error as NodeJS.ErrnoException).code ?? String(error) };
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== "";
  } catch {
    return false;
  }
}
