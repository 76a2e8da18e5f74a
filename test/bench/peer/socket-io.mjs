/** socket.io, by WebSocket alone. */
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { Server } from "socket.io";

const server = createServer();
const io = new Server(server, { transports: ["websocket"], perMessageDeflate: false });

server.on("request", (request, response) => {
  if (request.url !== "/") return;
  void json(request).then((event) => {
    io.emit("event", event);
    response.writeHead(204).end();
  });
});
server.listen(Number(process.env.PORT), "127.0.0.1");
