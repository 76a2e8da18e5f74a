/** What alarms and dashboards ask of Prometheus, by its own grammar of PromQL. */
import { globSync } from "node:fs";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { readText } from "../resource.ts";

export const FOLDER = "knative/component/monitoring";

export interface Matcher {
  readonly label: string;
  readonly operator: string;
  readonly value: string;
}

export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  /** Inside `absent()`. */
  readonly isAbsent: boolean;
}

/** Where an expression stands, and the labels that its answer must have besides. */
export interface Query {
  readonly place: string;
  readonly expression: string;
  readonly labels: readonly string[];
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

export function selectorsOf(expression: string): Selector[] {
  const found: { metric: string; matchers: Matcher[]; isAbsent: boolean }[] = [];
  let absentUntil = -1;
  let isAbsentCall = false;
  const textOf = ({ from, to }: { from: number; to: number }): string => expression.slice(from, to);
  parser.parse(expression).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${expression}`);
      if (node.name === "Absent") isAbsentCall = true;
      if (node.name === "FunctionCallBody" && isAbsentCall) {
        absentUntil = node.to;
        isAbsentCall = false;
      }
      if (node.name === "VectorSelector") {
        found.push({ metric: "", matchers: [], isAbsent: node.to <= absentUntil });
      }
      const selector = found.at(-1);
      if (node.name === "Identifier" && selector !== undefined) selector.metric = textOf(node);
      if (node.name === "UnquotedLabelMatcher") {
        const [, label = "", operator = "", value = ""] =
          /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(textOf(node)) ?? [];
        selector?.matchers.push({ label, operator, value });
      }
    },
  });
  return found;
}

/** Of `by (…)`. */
export function groupingOf(expression: string): string[] {
  const labels: string[] = [];
  let until = -1;
  parser.parse(expression).iterate({
    enter(node) {
      if (node.name === "GroupingLabels") until = node.to;
      if (node.name === "LabelName" && node.to <= until) {
        labels.push(expression.slice(node.from, node.to));
      }
    },
  });
  return labels;
}

export const readAlerts = (): Alert[] =>
  (
    parse(readText(`${FOLDER}/prometheus-rule-task-events.yaml`)) as {
      spec: { groups: { rules: Alert[] }[] };
    }
  ).spec.groups.flatMap(({ rules }) => rules);

/** Its Unknown. */
export const isTwin = ({ alert }: Alert): boolean => alert.endsWith("Unknown");

interface Dashboard {
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string; readonly legendFormat?: string }[];
  }[];
}

export const readDashboards = (): Dashboard[] =>
  globSync(`${FOLDER}/dashboard/*.json`).map((file) => JSON.parse(readText(file)) as Dashboard);

const labelsIn = (text: string, form: RegExp): string[] =>
  [...text.matchAll(form)].map(([, label]) => label ?? "");

export const readQueries = (): Query[] => [
  ...readAlerts().map(({ alert, expr, annotations }) => ({
    place: alert,
    expression: expr,
    labels: labelsIn(Object.values(annotations).join(), /\$labels\.(\w+)/g),
  })),
  ...readDashboards().flatMap(({ title, panels }) =>
    panels.flatMap((panel) =>
      panel.targets.map(({ expr, legendFormat = "" }) => ({
        place: `${title}: ${panel.title}`,
        expression: expr,
        labels: labelsIn(legendFormat, /\{\{(\w+)\}\}/g),
      })),
    ),
  ),
];
