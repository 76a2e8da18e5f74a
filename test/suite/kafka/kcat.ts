/** The same log through librdkafka, an implementation of the protocol that shares nothing with kafkajs. */
import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { openSession } from "./broker-session.ts";

const isInstalled = spawnSync("kcat", ["-V"]).status === 0;

export function kcatTests(getBroker: () => string): void {
  const kcat = async (args: readonly string[], input = ""): Promise<string> => {
    const options = ["-b", getBroker(), "-X", "message.timeout.ms=5000", ...args];
    const child = spawn("kcat", options, { timeout: 20_000 });
    child.stdin.end(input);
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    if (errors.includes("ERROR") || errors.includes("failed")) throw new Error(errors);
    return output;
  };

  describe.skipIf(!isInstalled)("kcat (Debian package kcat)", () => {
    it.each(["none", "gzip", "zstd"])(
      "produces with codec %s and reads it back with headers",
      async (codec) => {
        await using session = await openSession(getBroker());
        const topic = await session.topic();
        const long = "x".repeat(2000);
        await kcat(
          ["-P", "-t", topic, "-K", ":", "-z", codec, "-H", "ce_id=1"],
          `a:${long}\nb:2\n`,
        );
        expect(await kcat(["-C", "-t", topic, "-e", "-q", "-f", "%o %k %s %h\n"])).toBe(
          `0 a ${long} ce_id=1\n1 b 2 ce_id=1\n`,
        );
        expect((await session.read(topic, 2)).map(({ key }) => key?.toString())).toEqual([
          "a",
          "b",
        ]);
      },
    );

    it("reads as a member of a group, and goes on where it stopped", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(2);
      const group = [
        "-G",
        `kcat-${randomUUID()}`,
        "-e",
        "-q",
        "-X",
        "auto.offset.reset=earliest",
        "-f",
        "%s\n",
        topic,
      ];
      await kcat(["-P", "-t", topic], "1\n2\n3\n");
      expect((await kcat(group)).split("\n").toSorted()).toEqual(["", "1", "2", "3"]);
      await kcat(["-P", "-t", topic], "4\n");
      expect(await kcat(group)).toBe("4\n");
    });

    it("writes headers without a value, and values that are null", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      await kcat(["-P", "-t", topic, "-K", ":", "-Z", "-H", "bare"], "gone:\n");
      expect(await kcat(["-C", "-t", topic, "-e", "-q", "-f", "%k %S %h\n"])).toBe(
        "gone -1 bare=NULL\n",
      );
      const [message] = await session.read(topic, 1);
      expect(message?.value).toBe(null);
    });

    it("sees the topic, and finds an offset by time", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic(3);
      await kcat(["-P", "-t", topic, "-p", "1"], "1\n2\n");
      expect(await kcat(["-L", "-t", topic])).toContain(`topic "${topic}" with 3 partitions`);
      expect(await kcat(["-Q", "-t", `${topic}:1:0`])).toContain(`${topic} [1] offset 0`);
    });

    it("produces as an idempotent producer", async () => {
      await using session = await openSession(getBroker());
      const topic = await session.topic();
      await kcat(["-P", "-t", topic, "-X", "enable.idempotence=true"], "1\n2\n");
      expect((await session.read(topic, 2)).map(({ value }) => value?.toString())).toEqual([
        "1",
        "2",
      ]);
    });
  });
}
