/** What the embedded log says in the terminal of `make start`. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, it, vi } from "vitest";
import { startLog } from "../../../../local/start/server/kafka.ts";
import { makeFolder } from "../../../support/folder.ts";
import { portsFor } from "../../../support/port.ts";

async function sendAndWaitForEnd(port: number, bytes: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
}

it("says once what a client does that tries again and again, in words that name it", async () => {
  await using folder = await makeFolder();
  const { port } = await portsFor(["port"]);
  const note = vi.fn();
  await using _ = await startLog({ stateDir: folder.path, port, env: {}, note });
  for (let time = 0; time < 5; time += 1) {
    await sendAndWaitForEnd(port, "GET / HTTP/1.1\r\n\r\n");
    await sendAndWaitForEnd(port, "\x16\x03\x01\x00\x02ab");
    await sendAndWaitForEnd(port, "\x7f\x00\x00\x00");
  }
  const saidOf = (what: string): unknown[] => [
    "kafka",
    `a connection from 127.0.0.1 was closed: ${what}`,
    "warning",
  ];
  expect(note.mock.calls).toEqual([
    saidOf("HTTP, where this port speaks Kafka"),
    saidOf("TLS, which the embedded log has not"),
    saidOf("a frame of 2130706432 bytes"),
  ]);
});
