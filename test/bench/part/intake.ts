/** Intake: what it costs that an event comes in, is checked in full, and is answered. */
import { oursOfBench } from "../candidate/ours.ts";
import { httpColumns, type HttpFigure, measureSeries, ratiosOf } from "../http/series.ts";
import type { BenchContext, Outcome, Part, Values } from "../part.ts";
import { faasJs, fastifySdk, functionsFramework, rawHttp } from "../peer.ts";

const connections = 32;
const warmUpMs = 3_000;
const ms = 1_000;

export const intake: Part = {
  name: "intake",
  title: "Intake: a binary CloudEvent POSTed, checked in full, answered 204",
  run: runIntake,
};

async function runIntake({ rounds, folder, peerFolder, say }: BenchContext): Promise<Outcome> {
  const us = await oursOfBench("quiet", folder);
  const raw = rawHttp(peerFolder);
  const faas = faasJs(peerFolder);
  const commands = [us, raw, fastifySdk(peerFolder), faas, functionsFramework(peerFolder)].map(
    (command) => ({ ...command, folder }),
  );
  const series = await measureSeries({ commands, connections, warmUpMs, ms, rounds, say });
  const ratio = (figure: HttpFigure, peer: { name: string }): Values =>
    ratiosOf(series, figure, us.name, peer.name);
  return {
    columns: httpColumns,
    rows: [...series].map(([candidate, { figures }]) => ({ candidate, figures })),
    goals: [
      { sentence: "requests of faas-js-runtime", ratios: ratio("rate", faas), atLeast: 4.5 },
      { sentence: "CPU of faas-js-runtime", ratios: ratio("cpu", faas), atMost: 0.2 },
      { sentence: "CPU of node:http + JSON.parse", ratios: ratio("cpu", raw), atMost: 1.15 },
    ],
    notes: [
      `${connections} connections, closed loop; 384 bytes of JSON, KafkaSource's headers; CPU is the server's, user and system.`,
      "The limit parses the body and looks at nothing else. Ours checks attributes and the type's schema; faas-js-runtime and Fastify + SDK check attributes; functions-framework maps headers and checks nothing.",
    ],
  };
}
