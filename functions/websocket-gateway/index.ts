/** Shows people their task events live, over WebSocket and Server-Sent Events. */
import { PermanentError } from "../../lib/host/error.ts";
import { defineFunction, onEverything } from "../../lib/host/function.ts";
import { serve } from "../../lib/host/serve.ts";
import { sidecarRefusal } from "./access/sidecar.ts";
import { type GatewayEnv, readGatewayEnv } from "./env.ts";
import { type Gateway, openGateway } from "./gateway.ts";
import { upgrade } from "./peer/websocket.ts";
import { gatewayRoutes } from "./route.ts";

/**
 * A record of 1 MiB may be all headers, and the sidecar escapes each byte of them to three. What is refused here is
 * repeated without end: its partition would stand still.
 */
const maxHeaderBytes = 4 * 1024 * 1024;

export const gatewayFor = (readEnv: () => GatewayEnv) =>
  defineFunction<Gateway>({
    name: "websocket-gateway",
    service: "websocket-service",
    maxHeaderBytes,
    open: (context) => openGateway(readEnv(), context),
    ready: async ({ peers }) => (peers.isDraining ? "draining" : null),
    health: ({ peers }) => ({ connections: peers.size }),
    upgrade,
    routes: gatewayRoutes,
    authorize: (request, { env }) => sidecarRefusal(request, env.appApiToken),
    handlers: [
      onEverything(async (event, { resources }) => {
        const { problem } = event;
        if (problem !== null) throw new PermanentError(problem.code, problem.message);
        return resources.direct.show(event);
      }),
    ],
    drain: ({ peers, env }) => peers.drain(env.drainSpreadMs),
  });

export const websocketGateway = gatewayFor(readGatewayEnv);

if (import.meta.main) await serve(websocketGateway);
