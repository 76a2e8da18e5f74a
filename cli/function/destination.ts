/** Which function a dead letter's `knativeerrordest` names. */
import { type FunctionName, type FunctionOptions, functionNames, urlOf } from "../option.ts";

export type FunctionAt = (url: string) => FunctionName | undefined;

/** In a cluster the first label of the host is the Service's name; on a laptop the port tells. */
export const functionAt =
  (options: FunctionOptions): FunctionAt =>
  (url) => {
    const destination = URL.parse(url);
    if (destination === null) return undefined;
    const [label] = destination.hostname.split(".", 1);
    const byName = functionNames.find((name) => name === label);
    if (byName !== undefined) return byName;
    return functionNames.find((name) => isSamePlace(destination, URL.parse(urlOf(options, name))));
  };

const loopback = new Set(["localhost", "127.0.0.1", "[::1]"]);

const isSamePlace = (a: URL, b: URL | null): boolean =>
  b !== null &&
  a.port === b.port &&
  (a.hostname === b.hostname || (loopback.has(a.hostname) && loopback.has(b.hostname)));
