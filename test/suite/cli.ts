/** The operator's commands against a broker: the embedded log, and the real thing. */
import { deadLetterTests } from "./cli/dead-letters.ts";
import { exporterTests } from "./cli/exporter.ts";
import { lagTests } from "./cli/lag.ts";
import { redriveTests } from "./cli/redrive.ts";
import { replayTests } from "./cli/replay.ts";

/** `getBroker` gives `host:port`, and is called when the tests run. */
export function cliTests(getBroker: () => string): void {
  lagTests(getBroker);
  deadLetterTests(getBroker);
  redriveTests(getBroker);
  replayTests(getBroker);
  exporterTests(getBroker);
}
