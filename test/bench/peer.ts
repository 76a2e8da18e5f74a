/** The peers that take CloudEvents by HTTP, started as their users start them. */
import { join } from "node:path";
import type { ServerCommand } from "./process/server-process.ts";

export type PeerCommand = Pick<ServerCommand, "name" | "command" | "cwd" | "env">;

const node = process.execPath;

export const rawHttp = (peerFolder: string): PeerCommand => ({
  name: "node:http + JSON.parse (limit)",
  command: [node, join(peerFolder, "raw-http.mjs")],
});

export const fastifySdk = (peerFolder: string): PeerCommand => ({
  name: "fastify 5.12.8 + cloudevents 10.0.0",
  command: [node, join(peerFolder, "fastify-sdk.mjs")],
});

export const faasJs = (peerFolder: string): PeerCommand => ({
  name: "faas-js-runtime 4.0.1",
  command: faasCommand(peerFolder, "faas-function.cjs"),
});

export const faasInsert = (peerFolder: string, databaseUrl: string): PeerCommand => ({
  name: "faas-js-runtime 4.0.1 + kysely 0.29.9",
  command: faasCommand(peerFolder, "faas-insert.cjs"),
  env: { DATABASE_URL: databaseUrl },
});

const faasCommand = (peerFolder: string, file: string): PeerCommand["command"] => [
  node,
  join(peerFolder, "node_modules/faas-js-runtime/bin/cli.js"),
  "--port",
  "{port}",
  join(peerFolder, file),
];

export const fastifyInsert = (peerFolder: string, databaseUrl: string): PeerCommand => ({
  name: "fastify 5.12.8 + kysely 0.29.9",
  command: [node, join(peerFolder, "fastify-insert.mjs")],
  env: { DATABASE_URL: databaseUrl },
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
