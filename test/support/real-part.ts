/** Global setup of what runs on real servers: installs what is missing, and says where each is. */
import type { TestProject } from "vitest/node";
import { partsFolder } from "../../local/real/cache.ts";
import { type FoundPart, type FoundParts, installParts } from "../../local/real/install.ts";

declare module "vitest" {
  interface ProvidedContext {
    realParts: FoundParts;
  }
}

export default async function setup(project: TestProject): Promise<void> {
  const found = await installParts(partsFolder(process.env), console.log);
  const sentences = Object.values(found).flatMap(missing);
  if (process.env["CI"] && sentences.length > 0) throw new Error(sentences.join("\n"));
  for (const sentence of sentences) console.warn(`${sentence} Its tests are skipped.`);
  project.provide("realParts", found);
}

const missing = ({ title, path, advice }: FoundPart): string[] =>
  path === undefined ? [`${title} is missing: ${advice}.`] : [];
