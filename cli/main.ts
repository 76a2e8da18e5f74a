#!/usr/bin/env node
/** The operator's command: `npx task-events <command>`. A command's code is loaded when it is asked for. */
import { Command, CommanderError } from "commander";
import { UsageError } from "../lib/host/error.ts";

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const commands: readonly Entry[] = [
  {
    name: "publish",
    summary: "publish events to the Broker, from flags, a file or standard input",
    load: async () => (await import("./publish.ts")).publishCommand(),
  },
  {
    name: "tail",
    summary: "show a user's events as they come",
    load: async () => (await import("./tail.ts")).tailCommand(),
  },
  {
    name: "trace",
    summary: "follow one event: its record, what each function made of it, what it triggered",
    load: async () => (await import("./trace.ts")).traceCommand(),
  },
  {
    name: "lag",
    summary: "how far each function is behind, in records and seconds",
    load: async () => (await import("./lag.ts")).lagCommand(),
  },
  {
    name: "verify",
    summary: "compare the audit log with the topic: holes, losses, duplicates",
    load: async () => (await import("./verify.ts")).verifyCommand(),
  },
  {
    name: "dead-letters",
    summary: "list, show and redrive what a function refused or could not take",
    load: async () => (await import("./dead-letters.ts")).deadLettersCommand(),
  },
  {
    name: "replay",
    summary: "send a stretch of the topic to one function again",
    load: async () => (await import("./replay.ts")).replayCommand(),
  },
  {
    name: "exporter",
    summary: "serve figures of what is waiting to Prometheus, in the cluster",
    load: async () => (await import("./exporter.ts")).exporterCommand(),
  },
];

/** The asked one as it is; the others by name and summary alone. */
async function toProgram(asked: string | undefined): Promise<Command> {
  const program = new Command("task-events")
    .description("Publish to Task Events, watch what arrives, and operate it.")
    .addHelpText(
      "after",
      "\nWithout options every command speaks to the `make start` of this machine.\nExit codes: 0 well, 1 not all is well, 2 a mistake or something that does not run.",
    );
  for (const { name, summary, load } of commands) {
    const command = name === asked ? await load() : new Command(name);
    program.addCommand(command.summary(summary));
  }
  return throwing(program);
}

/** Commander would end the process itself, a mistake with exit code 1. */
function throwing(command: Command): Command {
  for (const inner of command.commands) throwing(inner);
  return command.exitOverride();
}

async function main(): Promise<void> {
  // kafkajs asks for timers of the past, and Node tells the person about each.
  process.removeAllListeners("warning");
  try {
    const words = process.argv.slice(2).filter((word) => word !== "help");
    await (await toProgram(words[0])).parseAsync();
  } catch (error) {
    process.exitCode = 2;
    // Help and version are no mistakes; the sentence of a mistake was printed.
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    const isOfKafka = error instanceof Error && error.name.startsWith("KafkaJS");
    if (!(error instanceof UsageError) && !isOfKafka) throw error;
    process.stderr.write(`task-events: ${isOfKafka ? "Kafka: " : ""}${error.message}\n`);
  }
}

if (import.meta.main) await main();
