/** The health paths, answered without Fastify: a probe must not cost a cold start. */
import type { ServerResponse } from "node:http";
import type { FunctionDefinition } from "./function.ts";

/** True where the path was one of ours and is answered. */
export function answerHealth<Resources extends AsyncDisposable>(
  path: string,
  response: ServerResponse,
  definition: FunctionDefinition<Resources>,
  resources: Resources,
): boolean {
  switch (path) {
    case "/health":
      answer(response, 200, {
        service: definition.service ?? `${definition.name}-service`,
        status: "healthy",
        ...definition.health?.(resources),
      });
      return true;
    case "/health/liveness":
      answer(response, 200, { status: "alive" });
      return true;
    case "/health/readiness":
      void answerReadiness(response, definition, resources);
      return true;
    default:
      return false;
  }
}

async function answerReadiness<Resources extends AsyncDisposable>(
  response: ServerResponse,
  definition: FunctionDefinition<Resources>,
  resources: Resources,
): Promise<void> {
  const reason = await missing(definition, resources);
  if (reason === null) answer(response, 200, { status: "ready" });
  else answer(response, 503, { status: "not ready", reason });
}

async function missing<Resources extends AsyncDisposable>(
  definition: FunctionDefinition<Resources>,
  resources: Resources,
): Promise<string | null> {
  try {
    return (await definition.ready?.(resources)) ?? null;
  } catch (error) {
    return error instanceof Error ? error.message : "not ready";
  }
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
