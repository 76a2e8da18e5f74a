/** Dapr's publish API: an app's event becomes a record of Kafka. */
import { DaprError } from "./dapr-error.ts";
import { wrapPublished } from "./envelope.ts";
import type { Pubsub } from "./pubsub.ts";
import { metadataOf, readBody, type DaprRequest, type Route } from "./route.ts";

export const publishRoute = (pubsubs: ReadonlyMap<string, Pubsub>, appId: string): Route => ({
  methods: ["POST", "PUT"],
  path: /^\/v1\.0\/publish\/([^/]+)\/(.+)$/,
  handle: (request) => publish(request, pubsubs, appId),
});

/**
 * A record without a content type: KafkaSource takes the whole envelope for data. All metadata of the request become
 * headers, so `metadata.content-type=application/cloudevents+json` makes it a structured CloudEvent.
 */
async function publish(
  { req, params: [pubsubName = "", topic = ""], query }: DaprRequest,
  pubsubs: ReadonlyMap<string, Pubsub>,
  appId: string,
): Promise<void> {
  const pubsub = pubsubs.get(pubsubName);
  if (pubsub === undefined) {
    throw new DaprError(404, "ERR_PUBSUB_NOT_FOUND", `pubsub '${pubsubName}' not found`);
  }
  const body = await readBody(req);
  const metadata = metadataOf(query);
  const { rawPayload, partitionKey, __key: key = partitionKey ?? null } = metadata;
  const value =
    rawPayload === "true" ? body : envelope({ req, params: [pubsubName, topic] }, body, appId);
  try {
    await pubsub.publish(topic, { key, value, headers: metadata });
  } catch (error) {
    const message = `error when publish to topic ${topic} in pubsub ${pubsubName}: ${String(error)}`;
    throw new DaprError(500, "ERR_PUBSUB_PUBLISH_MESSAGE", message);
  }
}

function envelope(
  { req, params: [pubsubName = "", topic = ""] }: Pick<DaprRequest, "req" | "params">,
  body: Buffer,
  appId: string,
): string {
  const header = (name: string) => String(req.headers[name] ?? "");
  const place = { topic, pubsubName };
  const trace = { traceparent: header("traceparent"), tracestate: header("tracestate") };
  try {
    const contentType = header("content-type");
    return JSON.stringify(wrapPublished({ ...place, ...trace, appId, contentType, body }));
  } catch (error) {
    const message = `cannot create cloudevent: ${String(error)}`;
    throw new DaprError(500, "ERR_PUBSUB_CLOUD_EVENTS_SER", message);
  }
}
