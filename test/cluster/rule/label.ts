/** The recommended labels, which tools and selectors go by. */
import { at, nameOf, type Resource, templateOf, textsAt } from "../resource.ts";

const RECOMMENDED = ["name", "component", "part-of"].map((label) => `app.kubernetes.io/${label}`);

export const checkLabels = (resources: readonly Resource[]): string[] =>
  resources.flatMap((resource) => {
    const template = templateOf(resource);
    return [
      ...missing(nameOf(resource), resource.metadata.labels ?? {}),
      ...(template === undefined
        ? []
        : missing(`${nameOf(resource)}'s pods`, textsAt(template, "metadata", "labels"))),
      ...(at(resource.spec, "jobTemplate") === undefined
        ? []
        : missing(
            `${nameOf(resource)}'s Jobs`,
            textsAt(resource.spec, "jobTemplate", "metadata", "labels"),
          )),
    ];
  });

const missing = (who: string, labels: Record<string, string>): string[] =>
  RECOMMENDED.filter((label) => labels[label] === undefined).map(
    (label) => `${who} without the label ${label}`,
  );
