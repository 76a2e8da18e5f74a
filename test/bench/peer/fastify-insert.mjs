/** A Fastify route that makes an event with the CloudEvents SDK, validates it and stores it. */
import { HTTP } from "cloudevents";
import Fastify from "fastify";
import { insertEvent } from "./insert-event.cjs";

const app = Fastify();

app.post("/", async ({ headers, body }, reply) => {
  const event = HTTP.toEvent({ headers, body });
  event.validate();
  await insertEvent(event);
  return reply.code(204).send();
});

await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
