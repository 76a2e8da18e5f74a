/** The peers that take CloudEvents by HTTP, started as their users start them. */
import { join } from "node:path";
import type { ServerCommand } from "./process/server-process.ts";

export type PeerCommand = Pick<ServerCommand, "name" | "command" | "env">;

const node = process.execPath;

export const rawHttp = (peerFolder: string): PeerCommand => ({
  name: "node:http + JSON.parse (limit)",
  command: [node, join(peerFolder, "raw-http.mjs")],
});

export const fastifySdk = (peerFolder: string): PeerCommand => ({
  name: "fastify 5.12.8 + cloudevents 10.0.0",
  command: [node, join(peerFolder, "fastify-sdk.mjs")],
});

/** `file` exports the function. */
export const faasJs = (peerFolder: string, file = "faas-function.cjs"): PeerCommand => ({
  name: "faas-js-runtime 4.0.1",
  command: [
    node,
    join(peerFolder, "node_modules/faas-js-runtime/bin/cli.js"),
    "--port",
    "{port}",
    join(peerFolder, file),
  ],
});

export const functionsFramework = (peerFolder: string): PeerCommand => ({
  name: "functions-framework 5.0.5",
  command: [
    node,
    join(peerFolder, "node_modules/@google-cloud/functions-framework/build/src/main.js"),
    "--target=handle",
    `--source=${join(peerFolder, "functions-framework.mjs")}`,
  ],
});
