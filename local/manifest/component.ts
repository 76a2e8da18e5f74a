/** Dapr Component (dapr.io/v1alpha1). */
import Type, { type Static } from "typebox";
import { closed, list, name, optional, text } from "./field.ts";
import { head } from "./metadata.ts";
import type { Resource } from "./resource.ts";

const item = closed({
  name: name(),
  value: optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
  envRef: optional(name()),
  secretKeyRef: optional(closed({ name: name(), key: optional(name()) })),
});

export const component = closed({
  ...head("dapr.io/v1alpha1", "Component"),
  spec: closed({ type: name(), version: name(), metadata: list(item) }, [
    "ignoreErrors",
    "initTimeout",
  ]),
  auth: optional(closed({ secretStore: text() })),
  scopes: optional(list(name())),
});

export type Component = Resource<Static<typeof component>>;
