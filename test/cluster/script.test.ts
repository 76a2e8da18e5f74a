/** make minikube, images, deploy and undeploy, with programs that write down what they are asked in place of a cluster: no real one runs here. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Folder, makeFolder } from "../support/folder.ts";
import { parse } from "yaml";
import { findProgram } from "../../local/real/command.ts";
import { readText } from "./resource.ts";

const PROGRAMS = ["kubectl", "minikube", "kn", "helm", "func", "docker", "podman", "git"];
const NEEDED = [
  "bash",
  "sh",
  "cat",
  "dirname",
  "mktemp",
  "rm",
  "grep",
  "od",
  "tr",
  "sleep",
  "node",
];
const SCRIPTS = "knative/script";

interface Outcome {
  code: number;
  output: string;
  /** In their order, each as it was typed. */
  calls: string[];
}

/** A call that matches (a pattern of `case`) is answered by this piece of shell. */
type Answers = Record<string, string>;

/** A cluster that has everything, and no Secrets yet. */
const healthy: Answers = {
  "kubectl get namespace knative-eventing*": "printf 1.22.2",
  "kubectl get secret*": "exit 1",
  "kubectl get broker*": "printf http://broker.example/default/task-events",
  "kubectl port-forward*":
    "exec node -e 'require(`net`).createServer((s) => s.end()).listen(5000, `127.0.0.1`)'",
  "kubectl create --filename -": 'cat >>"$FOLDER/secrets"',
  "minikube*docker-env*": "echo export DOCKER_HOST=tcp://node:2376",
  "minikube profile list*": 'printf \'{"valid":[{"Name":"other"}]}\'',
  "kn*": "! read -r _ || exit 1",
};

let folder: Folder;

beforeEach(async () => {
  folder = await makeFolder();
  await mkdir(join(folder.path, "bin"));
  for (const name of NEEDED) {
    const found = name === "node" ? process.execPath : findProgram(name);
    if (found === undefined) throw new Error(`no ${name}`);
    await symlink(found, join(folder.path, "bin", name));
  }
});
afterEach(() => folder[Symbol.asyncDispose]());

async function run(
  script: string,
  answers: Answers = healthy,
  env: Record<string, string> = {},
  without: readonly string[] = [],
): Promise<Outcome> {
  const bin = join(folder.path, "bin");
  const cases = Object.entries(answers).map(
    ([pattern, shell]) => `${pattern.replaceAll(" ", "\\ ")}) ${shell};;`,
  );
  for (const name of PROGRAMS.filter((it) => !without.includes(it))) {
    const text = `#!/bin/sh\necho "${name} $*" >>"$FOLDER/calls"\necho "$KUBECONFIG" >>"$FOLDER/kubeconfigs"\ncase "${name} $*" in\n${cases.join("\n")}\nesac\n`;
    await writeFile(join(bin, name), text);
    await chmod(join(bin, name), 0o755);
  }
  // What the scripts do to files and the work tree is theirs to say, not to do.
  for (const name of ["mkdir", "cp"]) {
    await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $*" >>"$FOLDER/calls"\n`);
    await chmod(join(bin, name), 0o755);
  }
  const { code, output } = await promisify(execFile)("bash", [`${SCRIPTS}/${script}.sh`], {
    env: { PATH: bin, FOLDER: folder.path, KUBECONFIG: "own", RETRY_SECONDS: "0", ...env },
  }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    (error: unknown) => {
      const failed = error as { code: number; stdout: string; stderr: string };
      return { code: failed.code, output: failed.stdout + failed.stderr };
    },
  );
  return { code, output, calls: await linesOf("calls") };
}

async function linesOf(name: string): Promise<string[]> {
  const text = await readFile(join(folder.path, name), "utf8").catch(() => "");
  return text.split("\n").filter((line) => line !== "");
}

/** The places of the first calls that begin so, in the order asked for. */
const placesOf = ({ calls }: Outcome, ...beginnings: string[]) =>
  beginnings.map((beginning) => calls.findIndex((call) => call.startsWith(beginning)));

const inOrder = (places: readonly number[]) => {
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
};

describe("make minikube", () => {
  test("makes the cluster without a prompt, then Kafka's parts, Dapr, Secrets and the stores", async () => {
    const outcome = await run("minikube");
    expect(outcome).toMatchObject({ code: 0, output: expect.stringContaining("make deploy") });
    const [quickstart] = outcome.calls.filter((call) => call.startsWith("kn "));
    expect(quickstart).toMatch(/--kubernetes-version 1\.34\.\d+ -- --cpus 6 --memory 12g/);
    inOrder(
      placesOf(
        outcome,
        "kn quickstart minikube",
        "kubectl patch configmap config-deployment",
        "kubectl apply --filename https://github.com/knative-extensions/eventing-kafka-broker",
        "helm upgrade --install dapr",
        "kubectl create --filename -",
        "kubectl apply --kustomize knative/minikube --selector app.kubernetes.io/component=store",
        "kubectl rollout status statefulset/kafka",
      ),
    );
  });

  test("goes on with a cluster that is there", async () => {
    const there = { "minikube profile list*": 'printf \'{"valid":[{"Name":"knative"}]}\'' };
    const outcome = await run("minikube", { ...healthy, ...there });
    expect(outcome.code).toBe(0);
    expect(outcome.calls).toContain("minikube start --profile knative");
    expect(outcome.calls.filter((call) => call.startsWith("kn "))).toEqual([]);
  });

  test("a program that is missing, a quickstart that stopped half way, another Knative: each is a sentence", async () => {
    const missing = await run("minikube", healthy, {}, ["helm"]);
    expect(missing).toMatchObject({ code: 2, output: expect.stringMatching(/^helm is missing\./) });
    const half = { "kubectl get namespace knative-eventing*": "exit 1" };
    expect(await run("minikube", { ...half, ...healthy, ...half })).toMatchObject({
      code: 2,
      output: expect.stringContaining("stopped half way") as string,
    });
    const older = { "kubectl get namespace knative-eventing*": "printf 1.21.3" };
    expect(await run("minikube", { ...healthy, ...older })).toMatchObject({
      code: 2,
      output: expect.stringContaining("is 1.21.3, but") as string,
    });
  });
});

describe("the Secrets", () => {
  test("a role has the password of its URL, of 64 random digits, and no value is an argument", async () => {
    const { code, calls } = await run("secret");
    expect(code).toBe(0);
    const made = await readFile(join(folder.path, "secrets"), "utf8");
    const names = [...made.matchAll(/^ {2}name: (.*)$/gm)].map(([, name]) => name);
    expect(names).toEqual([
      "database-roles",
      "database-admin",
      "database-backup",
      "database-audit-log",
      "database-notification",
      "database-recurring-task",
      "token",
      "cursor",
      "service-token",
      "smtp",
      "sms",
    ]);
    const secrets = [...made.matchAll(/\b[\da-f]{64}\b/g)].map(([value]) => value);
    expect(new Set(secrets).size).toBeGreaterThanOrEqual(11);
    for (const secret of secrets) expect(calls.join()).not.toContain(secret);
  });

  test("one that is there stays, and the URLs take the password that its role has", async () => {
    const password = "f".repeat(64);
    await run("secret", {
      "kubectl get secret database-roles*go-template*": `printf ${password}`,
      "kubectl get secret database-roles*": "exit 0",
      "kubectl get secret token*": "exit 0",
      ...healthy,
    });
    const made = await readFile(join(folder.path, "secrets"), "utf8");
    expect(made).not.toMatch(/name: (?:database-roles|token)$/m);
    expect(made).toContain(`url: "postgres://audit:${password}@postgres.default.svc:5432/`);
    expect(made).toContain(`migrate-url: "postgres://audit_owner:${password}@`);
  });
});

describe("make deploy", () => {
  test("images, roles, migrations and topics come before the functions, and those before the sources", async () => {
    const outcome = await run("deploy");
    expect(outcome.output).toContain("http://broker.example/default/task-events");
    expect(outcome).toMatchObject({ code: 0 });
    const job = (component: string) =>
      `kubectl wait job --namespace default --selector app.kubernetes.io/component=${component}`;
    inOrder(
      placesOf(
        outcome,
        "kubectl create --filename -",
        "kubectl port-forward --namespace kube-system service/registry 5000:80",
        "func build --path .state/func/audit-log",
        job("database-role"),
        job("migration"),
        job("topic"),
        "func deploy --path .state/func/audit-log",
        "func deploy --path .state/func/recurring-task",
        "kubectl wait broker",
        "kubectl wait kafkasource",
      ),
    );
    // func writes into func.yaml: never into the work tree's.
    expect(outcome.calls.filter((call) => /^func .*--path functions/.test(call))).toEqual([]);
  });

  test("speaks to the profile's cluster alone, whatever the shell's context is", async () => {
    await run("deploy");
    const [first, ...others] = await linesOf("kubeconfigs");
    expect(first).toBe("own");
    expect(others.filter((it) => it === "own")).toEqual([]);
  });

  test("stops at what fails, with the command that tells why", async () => {
    const failing = { "kubectl wait job*component=migration*": "exit 1" };
    const outcome = await run("deploy", { ...failing, ...healthy });
    expect(outcome).toMatchObject({
      code: 2,
      output: expect.stringMatching(/A Job of migration did not complete\. Why: kubectl .*logs/),
    });
    expect(outcome.calls.filter((call) => call.startsWith("func deploy"))).toEqual([]);
  });

  test("without a cluster it says which command makes one", async () => {
    const none = { "kubectl --context knative config view*": "exit 1" };
    expect(await run("deploy", { ...none, ...healthy })).toMatchObject({
      code: 2,
      output: "There is no cluster knative. Make it: make minikube\n",
    });
  });

  test("a dry run prints the commands and runs none", async () => {
    const { code, output, calls } = await run("deploy", healthy, { DRY_RUN: "1" });
    expect({ code, calls }).toEqual({ code: 0, calls: [] });
    expect(output).toContain("\nfunc deploy --path .state/func/notification");
  });
});

describe("make images", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const where = { REGISTRY: "registry.example.com/team", TAG: "1.2.3" };
  const built: Answers = {
    "git describe*": "echo abc-dirty",
    // What buildx writes: the digest is one member of many.
    "docker buildx build*": `while [ "$1" != --metadata-file ]; do shift; done; echo '{"containerimage.config.digest":"${digest.replaceAll("a", "c")}","containerimage.digest":"${digest}"}' >"$2"`,
    "podman push*": `while [ "$1" != --digestfile ]; do shift; done; printf %s ${digest} >"$2"`,
  };

  test("builds one for each function and the operator's command, and prints what names them by digest", async () => {
    const outcome = await run("images", built, where);
    expect(outcome.code).toBe(0);
    const builds = outcome.calls.filter((call) => call.startsWith("docker buildx build"));
    expect(builds).toHaveLength(5);
    expect(builds[0]).toMatch(
      /--build-arg FUNCTION=audit-log --tag registry\.example\.com\/team\/audit-log:1\.2\.3 --build-arg VERSION=1\.2\.3 --build-arg REVISION=abc-dirty --metadata-file \S+ --push \.$/,
    );
    const images = outcome.output.slice(outcome.output.indexOf("  - name:"));
    const production = parse(readText("knative/production/kustomization.yaml")) as {
      images: { name: string; newName: string }[];
    };
    const names = production.images.map(({ name }) => name);
    expect(parse(images)).toEqual(
      expect.arrayContaining(
        names.map((name) => ({
          name,
          newName: name.replace("dev.local/task-events", where.REGISTRY),
          digest,
        })),
      ),
    );
  });

  test("does it by podman where docker has no buildx", async () => {
    const outcome = await run(
      "images",
      { "docker buildx version": "exit 1", ...built },
      { ...where, PLATFORM: "linux/arm64" },
    );
    expect(outcome).toMatchObject({ code: 0, output: expect.stringContaining(digest) });
    inOrder(
      placesOf(
        outcome,
        "podman build --build-arg FUNCTION=audit-log --tag registry.example.com/team/audit-log:1.2.3",
        "podman push --digestfile",
        "podman build --build-arg FUNCTION=cli",
      ),
    );
    expect(outcome.calls.join()).toContain("--platform linux/arm64");
  });

  test("no registry, no engine, a push that is refused: each is a sentence", async () => {
    expect(await run("images", built, where, ["docker", "podman"])).toMatchObject({
      code: 2,
      output: expect.stringMatching(/^Neither docker with buildx nor podman is there/),
    });
    expect(await run("images", built, { TAG: "1" })).toMatchObject({
      code: 2,
      output: expect.stringMatching(/^REGISTRY and TAG say where the images go: make images /),
    });
    expect(
      await run("images", { ...built, "docker buildx build*": "exit 1" }, where),
    ).toMatchObject({
      code: 2,
      output: expect.stringContaining("A login: docker login registry.example.com"),
    });
  });
});

describe("make undeploy", () => {
  const groups =
    "printf 'BROKER GROUP STATE\\n0 audit-log Empty\\n0 websocket-gateway-0 Empty\\n0 websocket-gateway-1 Empty\\n'";

  test("removes the groups of gateways that do not run, of those alone, and asks again where Kafka is not ready to", async () => {
    const outcome = await run("undeploy", {
      "kubectl get pods*": "echo pod/websocket-gateway-1",
      "kubectl exec*rpk group list": groups,
      "kubectl exec*group delete*": '[ -e "$FOLDER/once" ] || { : >"$FOLDER/once"; exit 1; }',
      ...healthy,
    });
    expect(outcome.code).toBe(0);
    const deleted = outcome.calls.filter((call) => call.includes("rpk group delete"));
    expect(deleted.map((call) => call.split(" ").at(-1))).toEqual([
      "websocket-gateway-0",
      "websocket-gateway-0",
    ]);
  });

  test("sources go before the functions; data stays unless it shall go", async () => {
    const kept = await run("undeploy");
    inOrder(
      placesOf(
        kept,
        "kubectl delete --kustomize knative/minikube --selector app.kubernetes.io/component in (schedule, source)",
        "kubectl delete ksvc",
      ),
    );
    expect(kept.calls.filter((call) => call.includes("pvc"))).toEqual([]);
    const { calls } = await run("undeploy", healthy, { DATA: "delete" });
    expect(calls.filter((call) => call.startsWith("kubectl delete pvc,secret"))).toHaveLength(1);
  });
});
