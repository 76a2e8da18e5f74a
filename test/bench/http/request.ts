/** An event as a KafkaSource posts it: binary content mode, with its place in the topic; 384 bytes of JSON. */

export interface RequestOptions {
  /** Of the ids: that no two loads of a run have the same. */
  readonly prefix: string;
  /** Partitions over which the events go round, each with offsets of its own. */
  readonly partitions: number;
  /** What the task has besides title and description. */
  readonly payload?: object;
}

const dataBytes = 384;
export const userId = "user-0815";

/** Of the bench's one user. */
function dataOf(payload: object): string {
  const text = (description: string): string =>
    JSON.stringify({
      task_id: "task-4711",
      user_id: userId,
      payload: { title: "Water the plants on the balcony", description, ...payload },
    });
  return text("x".repeat(dataBytes - text("").length));
}

/** Makes the text of the n-th request; all bytes of it are ASCII. */
export function requestMaker({
  prefix,
  partitions,
  payload = {},
}: RequestOptions): (index: number) => string {
  const data = dataOf(payload);
  const head = [
    "POST / HTTP/1.1",
    "host: localhost",
    "user-agent: Vert.x-WebClient/4.5.7",
    "content-type: application/json",
    `content-length: ${data.length}`,
    "ce-specversion: 1.0",
    "ce-source: /task-app",
    "ce-type: task.created",
    "ce-subject: task-4711",
    "ce-partitionkey: task-4711",
    "ce-time: 2026-11-23T08:00:00.123Z",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    `ce-id: ${prefix}-`,
  ].join("\r\n");
  return (index) => {
    const offset = Math.floor(index / partitions);
    const partition = index % partitions;
    return `${head}${index}\r\nce-knativekafkapartition: ${partition}\r\nce-knativekafkaoffset: ${offset}\r\n\r\n${data}`;
  };
}
