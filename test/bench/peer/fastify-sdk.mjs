/** What one writes by hand: a Fastify route that makes an event with the CloudEvents SDK and validates it. */
import { HTTP } from "cloudevents";
import Fastify from "fastify";

const app = Fastify();

app.post("/", async ({ headers, body }, reply) => {
  const event = HTTP.toEvent({ headers, body });
  event.validate();
  return reply.code(204).send();
});

await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
