/** How the schemas of the kinds are written: closed objects that know which legal fields the runner leaves out. */
import { Type, type TProperties } from "typebox";

/**
 * An object that takes no other fields. `notSupported` are fields that the cluster knows and the runner does not do:
 * they are refused with another sentence than a misspelt one.
 */
export function closed<Properties extends TProperties>(
  properties: Properties,
  notSupported: readonly string[] = [],
) {
  return Type.Object(properties, { additionalProperties: false, notSupported });
}

export const text = (): Type.TString => Type.String();
export const name = (): Type.TString => Type.String({ minLength: 1 });
export const count = (minimum = 0): Type.TInteger => Type.Integer({ minimum });
export const optional = Type.Optional;
export const list = Type.Array;
export const textMap = () => Type.Record(Type.String(), Type.String());

export const oneOf = <const Word extends string>(...words: Word[]) => Type.Enum(words);

/** Placement, security and bookkeeping: the cluster's business, without a meaning for processes on a laptop. */
export const clusterOnly = () => Type.Optional(Type.Unknown());
