/** The steps of the Dockerfile, each stage in a folder of its own, for want of a container engine: the base image is this machine. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { Copy, DockerfileParser, From, type Instruction } from "dockerfile-ast";
import { otherUser, PATH } from "./function-folder.ts";
import type { Identity } from "./postgres-binary.ts";

const ROOT = join(import.meta.dirname, "../..");

export type Stage = readonly Instruction[];

/** The ARGs before the first FROM belong to none. */
export async function readStages(): Promise<Stage[]> {
  const text = await readFile(join(ROOT, "Dockerfile"), "utf8");
  const stages: Instruction[][] = [];
  for (const step of DockerfileParser.parse(text).getInstructions()) {
    if (step.getKeyword() === "FROM") stages.push([]);
    stages.at(-1)?.push(step);
  }
  return stages;
}

/** What .dockerignore lets into the build, and the names that it keeps out of that at any depth. */
export async function readDockerignore(): Promise<{ lets: string[]; keeps: string[] }> {
  const lines = (await readFile(join(ROOT, ".dockerignore"), "utf8")).trim().split("\n");
  const after = (begin: string): string[] =>
    lines.filter((line) => line.startsWith(begin)).map((line) => line.slice(begin.length));
  return { lets: after("!"), keeps: after("**/") };
}

export const wordsOf = (step: Instruction): string[] =>
  step.getArguments().map((argument) => argument.getValue());

type Values = Readonly<Record<string, string>>;

export interface Image {
  /** Where its file system is kept. */
  readonly kept: string;
  readonly args: Values;
  readonly env: Values;
  /** Its working directory, where it is entered. */
  readonly folder: string;
  /** Undefined: as whoever runs this, who may be nobody else. */
  readonly user: Identity | undefined;
  readonly labels: Values;
  readonly entrypoint: readonly string[];
}

export class ImageBuilder {
  readonly #folder: string;
  /** The "/" of each stage, one after the other, and of what runs: V8's cache knows a module by its path. */
  readonly #root: string;
  readonly #built = new Map<string, Image>();
  #entered: Image | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#root = join(folder, "root");
  }

  /** The last stage. Rejects with what the step that failed wrote. */
  async build(given: Values): Promise<Image> {
    const stages = await readStages();
    return this.#stage(stages, stages.length - 1, given);
  }

  /** Puts an image where its paths lead. */
  async enter(image: Image): Promise<void> {
    await this.#leave();
    await rename(image.kept, this.#root);
    this.#entered = image;
  }

  async #leave(): Promise<void> {
    if (this.#entered !== undefined) await rename(this.#root, this.#entered.kept);
    this.#entered = undefined;
  }

  async #stage(stages: readonly Stage[], index: number, given: Values): Promise<Image> {
    // What comes before the first ARG is the same for all, and made once.
    const first = stages.findIndex((stage) => stage.some((step) => step.getKeyword() === "ARG"));
    const name = [index, ...(index < first ? [] : Object.values(given))].join("-");
    const built =
      this.#built.get(name) ??
      (await this.#make(stages, index, given, join(this.#folder, `stage-${name}`)));
    this.#built.set(name, built);
    return built;
  }

  async #make(
    stages: readonly Stage[],
    index: number,
    given: Values,
    kept: string,
  ): Promise<Image> {
    const sources = new Map<string, Image>();
    for (const name of (stages[index] ?? []).flatMap(sourceOf)) {
      const found = stages.findIndex(
        ([from]) => from instanceof From && from.getBuildStage() === name,
      );
      if (found >= 0) sources.set(name, await this.#stage(stages, found, given));
    }
    await this.#leave();
    await rm(this.#root, { recursive: true, force: true });
    await mkdir(this.#root);
    let image = empty(this.#root, kept);
    for (const step of stages[index] ?? []) {
      const doing = {
        words: wordsOf(step),
        text: step.getArgumentsContent() ?? "",
        root: this.#root,
        image,
        given,
        source: sources.get(sourceOf(step)[0] ?? ""),
      };
      const change = STEPS[step.getKeyword()];
      if (change === undefined) throw new Error(`${step.getKeyword()} is not known here.`);
      image = { ...image, ...(await change(doing)), kept };
    }
    await rename(this.#root, kept);
    return image;
  }
}

const empty = (folder: string, kept: string): Image => ({
  kept,
  args: {},
  env: {},
  folder,
  user: undefined,
  labels: {},
  entrypoint: [],
});

/** The stage that a step is on, or copies from: none where it copies from the checkout. */
export function sourceOf(step: Instruction): string[] {
  if (step instanceof From) return [step.getImage() ?? ""];
  const flags = step instanceof Copy ? step.getFlags() : [];
  return flags.filter((flag) => flag.getName() === "from").map((flag) => flag.getValue() ?? "");
}

interface Doing {
  readonly words: readonly string[];
  /** All of them, as they stand there. */
  readonly text: string;
  readonly root: string;
  readonly image: Image;
  readonly given: Values;
  /** Of a FROM, and of a COPY --from. */
  readonly source: Image | undefined;
}

/** What the image gets. */
type Change = Partial<Image> | Promise<Partial<Image>>;

const STEPS: Readonly<Record<string, (doing: Doing) => Change>> = {
  FROM: async ({ root, source }) => {
    // By links, so that a stage upon another costs nothing.
    if (source !== undefined) await promisify(execFile)("cp", ["-al", `${source.kept}/.`, root]);
    return source ?? {};
  },
  WORKDIR: async ({ words: [path = ""], image, root }) => {
    const folder = join(path.startsWith("/") ? root : image.folder, path);
    await mkdir(folder, { recursive: true });
    return { folder };
  },
  ARG: ({ words, image, given }) => ({
    args: { ...image.args, ...pairs(words, (value) => value), ...given },
  }),
  ENV: ({ words, image, root }) => {
    const place = (value: string) => (value.startsWith("/") ? join(root, value) : value);
    return { env: { ...image.env, ...pairs(words, place) } };
  },
  LABEL: ({ words, image }) => {
    const fill = (value: string) =>
      value.replaceAll('"', "").replace(/^\$(\w+)$/, (_, name: string) => image.args[name] ?? "");
    return { labels: pairs(words, fill) };
  },
  USER: async ({ words: [word = ""] }) => {
    const [uid = 0, gid = 0] = word.split(":").map(Number);
    return { user: await otherUser({ uid, gid }) };
  },
  COPY: async ({ words, image, source }) => {
    await copy(words, image, source);
    return {};
  },
  RUN: async ({ text, image }) => {
    await runShell(text, image);
    return {};
  },
  ENTRYPOINT: ({ text }) => ({ entrypoint: JSON.parse(text) as string[] }),
  EXPOSE: () => ({}),
};

const pairs = (words: readonly string[], toValue: (text: string) => string): Values =>
  Object.fromEntries(
    words.map((word) => {
      const [name = "", value = ""] = word.split(/=(.*)/s);
      return [name, toValue(value)];
    }),
  );

/** Of a folder what is in it, of a file the file. */
async function copy(
  words: readonly string[],
  image: Image,
  source: Image | undefined,
): Promise<void> {
  const target = join(image.folder, words.at(-1) ?? "");
  const { keeps } = await readDockerignore();
  const filter = (path: string) => source !== undefined || !keeps.includes(basename(path));
  for (const word of words.slice(0, -1)) {
    const from = join(source?.kept ?? ROOT, word);
    const to = (await stat(from)).isDirectory() ? target : join(target, basename(word));
    await cp(from, to, { recursive: true, filter });
  }
}

async function runShell(command: string, { folder, args, env, user }: Image): Promise<void> {
  // npm finds the registry as it does outside, and first what this machine has.
  const npm = { npm_config_prefer_offline: "true" };
  const options = { cwd: folder, env: { ...process.env, ...npm, PATH, ...args, ...env }, ...user };
  await promisify(execFile)("sh", ["-c", command], options).catch((error: unknown) => {
    throw new Error((error as { stderr: string }).stderr, { cause: error });
  });
}
