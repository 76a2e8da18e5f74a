#!/usr/bin/env node
/** The operator's command: `npx task-events <command>`. */
import { Command } from "commander";
import { UsageError } from "../lib/host/error.ts";
import { publishCommand } from "./publish.ts";
import { tailCommand } from "./tail.ts";

const program = new Command("task-events")
  .description("Publish to Task Events and watch what arrives.")
  .addCommand(publishCommand())
  .addCommand(tailCommand());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`task-events: ${error.message}\n`);
  process.exitCode = 2;
}
