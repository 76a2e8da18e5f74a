/** The checksum against its published values. */
import { describe, expect, it } from "vitest";
import { crc32c } from "../../../../local/kafka/record/crc32c.ts";

describe("crc32c", () => {
  it.each([
    ["the check value of the polynomial", Buffer.from("123456789"), 0xe3069283],
    ["32 zero bytes (RFC 3720 B.4)", Buffer.alloc(32), 0x8a9136aa],
    ["32 bytes of ones (RFC 3720 B.4)", Buffer.alloc(32, 0xff), 0x62a8ab43],
    ["32 ascending bytes (RFC 3720 B.4)", Buffer.from([...Array(32).keys()]), 0x46dd794e],
    ["nothing", Buffer.alloc(0), 0],
  ])("of %s is right", (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});
