/** Where there is no cluster to forward to, with a kubectl that says what the real one does. */
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { requireCluster } from "../../../local/cluster/require-cluster.ts";
import { makeFolder } from "../../support/folder.ts";

/** `script`: what kubectl does; undefined: there is none. */
async function refusal(script?: string): Promise<unknown> {
  const folder = await makeFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  if (script !== undefined) {
    await writeFile(join(folder.path, "kubectl"), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder.path, "kubectl"), 0o755);
  }
  vi.stubEnv("PATH", folder.path);
  onTestFinished(() => void vi.unstubAllEnvs());
  return requireCluster("mine").catch((error: unknown) => (error as Error).message);
}

test.each([
  ["no kubectl", undefined, "kubectl is missing. https://kubernetes.io/docs/tasks/tools/"],
  [
    "no such context",
    "echo 'Error in configuration: context was not found for specified context: mine' >&2; exit 1",
    "There is no cluster mine. Make it: make minikube",
  ],
  [
    "a cluster that is stopped",
    "echo 'The connection to the server 127.0.0.1:8443 was refused' >&2; exit 1",
    "The cluster mine does not answer. Start it: minikube start --profile mine",
  ],
])("%s is told with what to do", async (_, script, sentence) => {
  expect(await refusal(script)).toBe(sentence);
});

test("a cluster that answers is asked by its context alone", async () => {
  expect(await refusal('[ "$1 $2" = "--context mine" ]')).toBeUndefined();
});
