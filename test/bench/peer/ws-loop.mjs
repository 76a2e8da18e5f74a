/** What one writes by hand: ws, and a loop over its clients. */
import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { WebSocketServer } from "ws";

const server = createServer((request, response) => {
  void buffer(request).then((event) => {
    for (const client of sockets.clients) client.send(event, { binary: false });
    response.writeHead(204).end();
  });
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });

server.listen(Number(process.env.PORT), "127.0.0.1");
