/** The AsyncAPI document. */
import { channels, operations, servers } from "./channel.ts";
import type { Json } from "./attribute.ts";
import { readNames } from "./manifest.ts";
import { componentMessages, componentSchemas, headerSchemas } from "./message.ts";

export function asyncApi(): Json {
  const names = readNames();
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Task Events",
      version: "1.0.0",
      description:
        "The event backend of a task application. Post CloudEvents to the Broker or write them to the topic; follow them live at the gateway.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    defaultContentType: "application/json",
    servers: servers(names),
    channels: channels(names),
    operations: operations(),
    components: {
      messages: componentMessages(names.topic),
      schemas: { ...componentSchemas(), ...headerSchemas() },
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: "sub is the user; scope admin sees others. The gateway closes at exp.",
        },
        ticket: {
          type: "httpApiKey",
          name: "ticket",
          in: "query",
          description: "For EventSource, which sends no headers: opens one stream within 30 s.",
        },
      },
    },
  };
}
