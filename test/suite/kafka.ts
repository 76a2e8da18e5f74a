/** What Kafka's clients rely on, as tests against a broker: the embedded log, and the real thing. */
import { adminTests } from "./kafka/admin.ts";
import { batchTests } from "./kafka/batch.ts";
import { fetchTests } from "./kafka/fetch.ts";
import { groupTests } from "./kafka/group.ts";
import { kcatTests } from "./kafka/kcat.ts";
import { memberTests } from "./kafka/member.ts";
import { produceTests } from "./kafka/produce.ts";
import { refusalTests } from "./kafka/refusal.ts";
import { versionTests } from "./kafka/versions.ts";

/** `getBroker` gives `host:port`, and is called when the tests run. */
export function kafkaTests(getBroker: () => string): void {
  produceTests(getBroker);
  batchTests(getBroker);
  fetchTests(getBroker);
  adminTests(getBroker);
  groupTests(getBroker);
  memberTests(getBroker);
  refusalTests(getBroker);
  versionTests(getBroker);
  kcatTests(getBroker);
}
