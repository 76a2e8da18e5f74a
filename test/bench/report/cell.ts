/** Figures as text: the median, and between which values it lies. */
import type { Goal, Row, Values } from "../part.ts";
import { median } from "../ratio.ts";

export function spread(values: Values | undefined, digits: number): string {
  if (values === undefined || values.length === 0) return "-";
  const text = (value: number): string =>
    value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const middle = text(median(values));
  if (values.length === 1) return middle;
  return `${middle} [${text(Math.min(...values))}..${text(Math.max(...values))}]`;
}

export const cell = ({ figures }: Row, key: string, digits: number): string =>
  spread(figures[key], digits);

export interface Verdict {
  readonly sentence: string;
  readonly goal: string;
  readonly found: string;
  readonly isReached: boolean;
}

export function toVerdict({ sentence, ratios, atLeast, atMost }: Goal): Verdict {
  const ratio = median(ratios);
  const bounds = [
    ...(atLeast === undefined ? [] : [`≥ ${atLeast}`]),
    ...(atMost === undefined ? [] : [`≤ ${atMost}`]),
  ];
  return {
    sentence,
    goal: bounds.join(", "),
    found: spread(ratios, 2),
    isReached: ratio >= (atLeast ?? -Infinity) && ratio <= (atMost ?? Infinity),
  };
}
