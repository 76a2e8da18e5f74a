/** Service (v1): the address of a StatefulSet. */
import { Type, type Static } from "typebox";
import {
  closed,
  clusterOnly,
  count,
  list,
  oneOf,
  optional,
  text,
  textMap,
} from "../field/closed.ts";
import { head } from "../field/metadata.ts";
import type { Resource } from "../resource.ts";

const port = closed(
  {
    name: optional(text()),
    port: count(1),
    targetPort: optional(Type.Union([Type.Integer(), Type.String()])),
    protocol: optional(oneOf("TCP")),
    appProtocol: clusterOnly(),
  },
  ["nodePort"],
);

export const service = closed({
  ...head("v1", "Service"),
  spec: closed(
    {
      selector: textMap(),
      ports: list(port, { minItems: 1 }),
      clusterIP: clusterOnly(),
      publishNotReadyAddresses: clusterOnly(),
      type: clusterOnly(),
    },
    ["externalIPs", "externalName", "loadBalancerIP", "sessionAffinity", "sessionAffinityConfig"],
  ),
});

export type Service = Resource<Static<typeof service>>;
