/** `node:http` without undici: an import reads every member, and `WebSocket` among them loads all of that, half of a cold start. */

export const http = process.getBuiltinModule("node:http");
