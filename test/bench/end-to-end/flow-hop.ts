/** Ours: POST to the Broker, Kafka, daprd, the gateway, a WebSocket frame. */
import { WebSocket } from "ws";
import type { ManifestEdit } from "../../support/runner.ts";
import { findGateway } from "../gateway.ts";
import { startRunner } from "../guarded-runner.ts";
import { openPoster } from "../post.ts";
import { dataOf, type Hop, userName } from "./hop.ts";

interface Frame {
  readonly type: string;
  readonly event?: { readonly id: string };
}

/** `variables`: the real servers, as `make start-real` gives them. */
export async function openFlowHop(variables: Readonly<Record<string, string>>): Promise<Hop> {
  await using opening = new AsyncDisposableStack();
  const runner = await startRunner(opening, { edit: gatewayAlone, env: variables });
  const url = runner.url("broker", "/default/task-events");
  const authorization = `Bearer ${await runner.token(userName)}`;
  const { url: gatewayUrl } = findGateway(runner);
  const socket = new WebSocket(gatewayUrl, "task-events.v1", { headers: { authorization } });
  opening.defer(() => socket.terminate());
  let arrived: (id: string) => void = () => undefined;
  const greeted = Promise.withResolvers<void>();
  socket.on("error", (error) => greeted.reject(error));
  socket.on("message", (bytes: Buffer) => {
    const { type, event } = JSON.parse(bytes.toString()) as Frame;
    if (event !== undefined) arrived(event.id);
    else if (type === "hello") greeted.resolve();
  });
  await greeted.promise;
  const poster = openPoster({ url, status: 202 });
  opening.defer(() => poster[Symbol.dispose]());
  const open = opening.move();
  return {
    send: (id) => poster.post({ id, type: "task.updated", taskId: `task-${id}`, data: dataOf(id) }),
    onArrival: (listener) => void (arrived = listener),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The other functions are elsewhere in a cluster; here they would take their share of the same cores, and be measured. */
const gatewayAlone: ManifestEdit = {
  "eventing/kustomization.yaml": (text) =>
    text.replaceAll(/^ *- (?:kafka-source-|ping-source-).*\n/gm, ""),
};
