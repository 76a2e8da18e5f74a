/** Whether there is a cluster to forward to: asked before anything listens. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UsageError } from "../../lib/host/error.ts";

/** Throws UsageError with what to do. `context`: kubectl's, the name of minikube's profile. */
export async function requireCluster(context: string): Promise<void> {
  try {
    const args = ["--context", context, "get", "namespace", "default", "--request-timeout=15s"];
    await promisify(execFile)("kubectl", args);
  } catch (error) {
    const { code, stderr = "" } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      throw new UsageError("kubectl is missing. https://kubernetes.io/docs/tasks/tools/");
    }
    throw new UsageError(
      /\bcontext\b/.test(stderr)
        ? `There is no cluster ${context}. Make it: make minikube`
        : `The cluster ${context} does not answer. Start it: minikube start --profile ${context}`,
    );
  }
}
