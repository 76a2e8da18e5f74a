/** What every Pod has: no token unless a Role is bound to it, no more rights than the restricted Pod Security Standard leaves, resources; and probes where it serves. */
import {
  at,
  containersOf,
  isKnativeService,
  listAt,
  nameOf,
  type Resource,
  templateOf,
} from "../resource.ts";

const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"];

/** Not of what func deploys: it says what it can (function-yaml.test.ts). */
export function checkPods(resources: readonly Resource[]): string[] {
  const bound = resources
    .filter(({ kind }) => kind === "RoleBinding")
    .flatMap((binding) => listAt(binding, "subjects").map((subject) => at(subject, "name")));
  return resources
    .filter((resource) => at(templateOf(resource), "spec") !== undefined)
    .flatMap((resource) => {
      const pod = at(templateOf(resource), "spec");
      const lacks = [
        ...(at(pod, "automountServiceAccountToken") === false ||
        bound.includes(at(pod, "serviceAccountName"))
          ? []
          : ["mounts a token"]),
        ...["hostNetwork", "hostPID", "hostIPC"].filter((field) => at(pod, field) === true),
        ...containersOf(resource).flatMap((container) => [
          ...security(pod, container),
          ...resourcesOf(container),
          ...(serves(resource) ? PROBES.filter((it) => at(container, it) === undefined) : []).map(
            (probe) => `has no ${probe}`,
          ),
        ]),
      ];
      return lacks.map((sentence) => `${nameOf(resource)} ${sentence}`);
    });
}

const serves = (resource: Resource): boolean =>
  isKnativeService(resource) || ["Deployment", "StatefulSet"].includes(resource.kind);

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted */
function security(pod: unknown, container: unknown): string[] {
  const own = (...path: string[]): unknown => at(container, "securityContext", ...path);
  const either = (...path: string[]): unknown =>
    own(...path) ?? at(pod, "securityContext", ...path);
  return [
    ...(own("allowPrivilegeEscalation") === false ? [] : ["may get more privileges"]),
    ...(listAt(container, "securityContext", "capabilities", "drop").includes("ALL")
      ? []
      : ["keeps capabilities"]),
    ...(own("capabilities", "add") === undefined ? [] : ["adds capabilities"]),
    ...(either("runAsNonRoot") === true ? [] : ["may run as root"]),
    ...(either("runAsUser") === 0 ? ["runs as root"] : []),
    ...(either("seccompProfile", "type") === "RuntimeDefault" ? [] : ["has no seccomp profile"]),
  ];
}

/** CPU has no limit: docs/cluster.md. */
const resourcesOf = (container: unknown): string[] =>
  [
    ["requests", "cpu"],
    ["requests", "memory"],
    ["limits", "memory"],
  ]
    .filter((path) => at(container, "resources", ...path) === undefined)
    .map((path) => `has no ${path.join(".")}`);

/** Of production alone: a root file system that nobody writes to. */
export const writable = (resources: readonly Resource[]): string[] =>
  resources.flatMap((resource) =>
    containersOf(resource)
      .filter((it) => at(it, "securityContext", "readOnlyRootFilesystem") !== true)
      .map(() => nameOf(resource)),
  );
