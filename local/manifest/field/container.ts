/** A container of a Knative Service, StatefulSet, Job or CronJob, and the pod around it. */
import { Type, type Static } from "typebox";
import { type Fault, fault } from "../fault.ts";
import { closed, clusterOnly, count, list, name, optional, text, textMap } from "./closed.ts";
import type { FieldPath } from "../resource.ts";

const keyRef = closed({ name: name(), key: name(), optional: optional(Type.Boolean()) });

const envVar = closed({
  name: name(),
  value: optional(text()),
  valueFrom: optional(
    closed(
      {
        secretKeyRef: optional(keyRef),
        configMapKeyRef: optional(keyRef),
        fieldRef: optional(closed({ apiVersion: optional(text()), fieldPath: name() })),
      },
      ["resourceFieldRef", "fileKeyRef"],
    ),
  ),
});

const probe = closed(
  {
    httpGet: closed({ path: optional(text()), port: clusterOnly(), scheme: optional(text()) }, [
      "host",
      "httpHeaders",
    ]),
    initialDelaySeconds: optional(count()),
    periodSeconds: optional(count()),
    timeoutSeconds: optional(count()),
    successThreshold: optional(count()),
    failureThreshold: optional(count()),
  },
  ["exec", "grpc", "tcpSocket", "terminationGracePeriodSeconds"],
);

const capabilities = closed({ add: optional(list(text())), drop: optional(list(text())) });

const securityContext = closed({
  allowPrivilegeEscalation: optional(Type.Boolean()),
  capabilities: optional(capabilities),
  fsGroup: optional(count()),
  privileged: optional(Type.Boolean()),
  readOnlyRootFilesystem: optional(Type.Boolean()),
  runAsGroup: optional(count()),
  runAsNonRoot: optional(Type.Boolean()),
  runAsUser: optional(count()),
  seccompProfile: optional(closed({ type: text(), localhostProfile: optional(text()) })),
});

const port = closed(
  { name: optional(text()), containerPort: count(1), protocol: optional(text()) },
  ["hostIP", "hostPort"],
);

const container = closed(
  {
    name: optional(text()),
    image: name(),
    command: optional(list(text())),
    env: optional(list(envVar)),
    ports: optional(list(port)),
    readinessProbe: optional(probe),
    livenessProbe: optional(probe),
    startupProbe: optional(probe),
    resources: optional(closed({ requests: optional(textMap()), limits: optional(textMap()) })),
    securityContext: optional(securityContext),
    imagePullPolicy: clusterOnly(),
    terminationMessagePath: clusterOnly(),
    terminationMessagePolicy: clusterOnly(),
  },
  ["args", "envFrom", "lifecycle", "stdin", "tty", "volumeDevices", "volumeMounts", "workingDir"],
);

/** What both Kubernetes' and Knative's pods have. */
export const podFields = {
  containers: list(container, { minItems: 1 }),
  affinity: clusterOnly(),
  automountServiceAccountToken: clusterOnly(),
  enableServiceLinks: clusterOnly(),
  imagePullSecrets: clusterOnly(),
  nodeSelector: clusterOnly(),
  priorityClassName: clusterOnly(),
  securityContext: optional(securityContext),
  serviceAccountName: clusterOnly(),
  tolerations: clusterOnly(),
  topologySpreadConstraints: clusterOnly(),
};

export const podNotSupported = [
  "dnsConfig",
  "dnsPolicy",
  "hostAliases",
  "hostIPC",
  "hostNetwork",
  "hostPID",
  "initContainers",
  "runtimeClassName",
  "schedulerName",
  "shareProcessNamespace",
  "volumes",
];

export const pod = closed(
  {
    ...podFields,
    restartPolicy: optional(text()),
    terminationGracePeriodSeconds: optional(count()),
  },
  [...podNotSupported, "activeDeadlineSeconds", "ephemeralContainers", "hostname", "subdomain"],
);

export type Container = Static<typeof container>;
export type EnvVar = Static<typeof envVar>;
export type Pod = Static<typeof pod>;

/** What both kinds of pods have in common for the checks. */
export interface PodLike {
  containers: Container[];
}

export function* checkPod({ containers }: PodLike, path: FieldPath): Iterable<Fault> {
  if (containers.length > 1) {
    yield fault(
      [...path, "containers", 1],
      "more than one container is not supported by the local runner",
    );
  }
  const [first] = containers;
  if (first !== undefined) yield* checkContainer(first, [...path, "containers", 0]);
}

function* checkContainer(container: Container, path: FieldPath): Iterable<Fault> {
  if ((container.ports?.length ?? 0) > 1) {
    yield fault([...path, "ports", 1], "a container has one port here, as in a Knative Service");
  }
  for (const [index, variable] of (container.env ?? []).entries()) {
    yield* checkVariable(variable, [...path, "env", index]);
  }
}

function* checkVariable(
  { name: variable, value, valueFrom }: EnvVar,
  path: FieldPath,
): Iterable<Fault> {
  if (/(?<!\$)\$\([A-Za-z_]\w*\)/.test(value ?? "")) {
    yield fault([...path, "value"], `$(…) in ${variable} is not supported by the local runner`);
  }
  if (valueFrom === undefined) return;
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  const sources = [value, secretKeyRef, configMapKeyRef, fieldRef].filter((it) => it !== undefined);
  if (sources.length !== 1) yield fault(path, `${variable} needs exactly one source of its value`);
  const field = fieldRef?.fieldPath ?? "metadata.name";
  if (!["metadata.name", "metadata.namespace"].includes(field)) {
    yield fault([...path, "valueFrom"], `fieldPath ${field} is not supported by the local runner`);
  }
}
