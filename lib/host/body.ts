/** Reads a request's body up to a limit. */
import type { IncomingMessage } from "node:http";
import { PermanentError } from "./error.ts";

export const bodyLimitBytes = 1024 * 1024;

/** Rejects with PermanentError 413 over the limit, and with the socket's error where the client went away. */
export function readBody(request: IncomingMessage, limitBytes = bodyLimitBytes): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > limitBytes) {
        // The rest is read and dropped, so that the answer is not lost in a reset of the connection.
        chunks.length = 0;
        request.removeAllListeners("data").resume();
        reject(tooLarge(limitBytes));
      } else {
        chunks.push(chunk);
      }
    });
    request.on("end", () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length));
    });
    request.on("error", reject);
  });
}

const tooLarge = (limitBytes: number): PermanentError =>
  new PermanentError("body_too_large", `the body is larger than ${limitBytes} bytes`, {
    status: 413,
  });
