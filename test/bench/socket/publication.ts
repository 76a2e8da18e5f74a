/** One event of about 300 bytes, as each candidate takes it. */

/** `sidecar`: a record as daprd delivers it to the gateway; `json`: the event as it is. */
export type Publication = "sidecar" | "json";

interface Posted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const attributes = (number: number): Record<string, string> => ({
  specversion: "1.0",
  id: `event-${number}`,
  source: "/task-app",
  type: "task.updated",
  subject: "task-4711",
  time: "2026-11-23T08:00:00.123Z",
});

/** The paragraph sign is what clients count. */
const data = {
  task_id: "task-4711",
  user_id: "user-0815",
  payload: { title: "§ Water the plants on the balcony", priority: "high", done: false },
};

export function publicationOf(kind: Publication, number: number, partitions: number): Posted {
  if (kind === "json") {
    const event = { ...attributes(number), datacontenttype: "application/json", data };
    const headers = { "content-type": "application/json" };
    return { path: "/", headers, body: JSON.stringify(event) };
  }
  const ofEvent = Object.entries(attributes(number)).map(([name, value]) => [`ce_${name}`, value]);
  return {
    path: "/dapr/task-events",
    headers: {
      ...(Object.fromEntries(ofEvent) as Record<string, string>),
      "content-type": "application/cloudevents+json",
      __topic: "task-events",
      __partition: String(number % partitions),
      __offset: String(Math.floor(number / partitions)),
      __timestamp: String(Date.now()),
    },
    body: JSON.stringify({ data_base64: Buffer.from(JSON.stringify(data)).toString("base64") }),
  };
}
