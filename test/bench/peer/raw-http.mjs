/** The limit: node:http, the body parsed, no attribute looked at. */
import { createServer } from "node:http";

createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.once("end", () => {
    JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    response.writeHead(204).end();
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
