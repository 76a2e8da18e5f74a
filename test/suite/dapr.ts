/** What the gateway relies on in its sidecar, as tests of one: the runner's own, and a real daprd, with the files of dapr-components/ as they are. */
import { afterAll, beforeAll } from "vitest";
import { type DaprTarget, openPod, type Pod } from "./dapr/pod.ts";
import { deliveryTests } from "./dapr/delivery.ts";
import { headerTests } from "./dapr/header.ts";
import { invokeTests } from "./dapr/invoke.ts";
import { publishTests } from "./dapr/publish.ts";
import { retryTests } from "./dapr/retry.ts";
import { selfTests } from "./dapr/self.ts";
import { stateTests } from "./dapr/state.ts";

/** `getTarget` is called when the tests run. */
export function daprTests(getTarget: () => DaprTarget): void {
  let pod: Pod | undefined;
  beforeAll(async () => {
    pod = await openPod(getTarget());
  });
  afterAll(async () => {
    await pod?.[Symbol.asyncDispose]();
  });
  const getPod = (): Pod => {
    if (pod === undefined) throw new Error("the pod did not start");
    return pod;
  };
  selfTests(getPod);
  deliveryTests(getPod);
  headerTests(getPod);
  retryTests(getPod);
  publishTests(getPod);
  stateTests(getPod);
  invokeTests(getPod);
}
