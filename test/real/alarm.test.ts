/** The alarms, by Prometheus' own tool: it takes the rules, and they fire when they should and are silent when they should. */
import { execFile } from "node:child_process";
import { cpSync, globSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { isTwin, FOLDER, readAlerts } from "../cluster/monitoring/query.ts";
import { readText, ROOT } from "../cluster/resource.ts";
import { makeFolder } from "../support/folder.ts";
import { lacks, realParts } from "../support/real.ts";

const promtool = realParts.promtool.path ?? "";
const CASES = "test/cluster/monitoring/alarm";

/** A PrometheusRule has in its spec what Prometheus reads as a file. */
async function inFolder(args: string[], cases: object[] = []): Promise<string> {
  await using folder = await makeFolder();
  const { spec } = parse(readText(`${FOLDER}/prometheus-rule-task-events.yaml`)) as {
    spec: object;
  };
  writeFileSync(join(folder.path, "rules.yaml"), stringify(spec));
  cpSync(join(ROOT, CASES), folder.path, { recursive: true });
  for (const [index, one] of cases.entries()) {
    writeFileSync(join(folder.path, `case-${index}.yaml`), stringify(one));
  }
  const { stdout } = await promisify(execFile)(promtool, args, { cwd: folder.path });
  return stdout;
}

describe.skipIf(lacks("promtool"))("Prometheus", () => {
  it("takes the rules, without a word against them", async () => {
    const said = await inFolder(["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"]);
    expect(said).toContain(`SUCCESS: ${readAlerts().length} rules found`);
  });

  it.each(globSync("*.yaml", { cwd: join(ROOT, CASES) }))("finds what %s says", async (file) => {
    expect(await inFolder(["test", "rules", file])).toContain("SUCCESS");
  });

  it("is told each alarm by a case", () => {
    const told = globSync(`${CASES}/*.yaml`, { cwd: ROOT }).map(readText).join();
    const untold = readAlerts().filter(({ alert }) => !told.includes(`alertname: ${alert}`));
    expect(untold.filter((alert) => !isTwin(alert))).toEqual([]);
  });

  it("hears from every twin where nobody tells anything", async () => {
    const twins = readAlerts().filter(isTwin);
    const silence = {
      rule_files: ["rules.yaml"],
      evaluation_interval: "1m",
      tests: [
        {
          interval: "1m",
          // The answer is not what is asked here, but whether there is one.
          promql_expr_test: twins.map(({ alert }) => ({
            expr: `count(count by (alertname) (ALERTS{alertname="${alert}", alertstate="firing"}))`,
            eval_time: "27h",
            exp_samples: [{ labels: "{}", value: 1 }],
          })),
        },
      ],
    };
    expect(await inFolder(["test", "rules", "case-0.yaml"], [silence])).toContain("SUCCESS");
  });
});
