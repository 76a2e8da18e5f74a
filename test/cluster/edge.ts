/** Who may speak to whom, as the NetworkPolicies of rendered resources say it. */
import { at, listAt, type Resource, templateOf, textAt, textsAt } from "./resource.ts";

/** `in: knative-serving/activator 8012,8013`, of each kind of Pod. */
export function edgesOf(resources: readonly Resource[]): Record<string, string[]> {
  const policies = resources.filter(({ kind }) => kind === "NetworkPolicy");
  const pods = resources.filter((it) => at(templateOf(it), "spec", "containers") !== undefined);
  return Object.fromEntries(
    pods.map((pod) => {
      const labels = textsAt(templateOf(pod), "metadata", "labels");
      const chosen = policies.filter(({ spec }) => selects(at(spec, "podSelector"), labels));
      const edges = ["Ingress", "Egress"].flatMap((type) => directed(chosen, type));
      return [pod.metadata.name, [...new Set(edges)].toSorted()];
    }),
  );
}

/** Where no policy is for a direction, all is open. */
function directed(policies: readonly Resource[], type: string): string[] {
  const meant = policies.filter(({ spec }) => listAt(spec, "policyTypes").includes(type));
  const way = type === "Ingress" ? "in" : "out";
  if (meant.length === 0) return [`${way}: anything`];
  const [rules, peers] = type === "Ingress" ? ["ingress", "from"] : ["egress", "to"];
  return meant.flatMap(({ spec }) =>
    listAt(spec, rules ?? "").flatMap((rule) => {
      const ports = listAt(rule, "ports").map((port) => String(at(port, "port")));
      return listAt(rule, peers ?? "").map(
        (peer) => `${way}: ${toText(peer)} ${ports.join() || "any port"}`,
      );
    }),
  );
}

function toText(peer: unknown): string {
  const cidr = textAt(peer, "ipBlock", "cidr");
  const but = listAt(peer, "ipBlock", "except").join();
  if (cidr !== undefined) return but === "" ? cidr : `${cidr} but ${but}`;
  const [namespace] = Object.values(textsAt(peer, "namespaceSelector", "matchLabels"));
  const pods = Object.values(textsAt(peer, "podSelector", "matchLabels"));
  return [namespace ?? "here", ...pods].join("/");
}

function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(textsAt(selector, "matchLabels"));
  const expressions = listAt(selector, "matchExpressions");
  return (
    wanted.every(([label, value]) => labels[label] === value) &&
    expressions.every((expression) => {
      if (at(expression, "operator") !== "In") throw new Error("a selector with another operator");
      const value = labels[String(at(expression, "key"))];
      return listAt(expression, "values").includes(value);
    })
  );
}
