/** A container of a Knative Service, StatefulSet, Job or CronJob, and the pod around it. */
import Type, { type Static } from "typebox";
import { closed, clusterOnly, count, list, name, optional, text, textMap } from "./field.ts";

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
