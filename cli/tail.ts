/** `task-events tail`: shows a user's events live, reconnects by itself and resumes where it was. */
import { Command } from "commander";
import { WebSocket } from "ws";
import { UsageError } from "../lib/host/error.ts";
import { isObject } from "../lib/events/structured.ts";
import { localToken } from "./function/management.ts";
import { clean } from "./output/table.ts";

interface TailOptions {
  readonly user?: string;
  readonly scope?: string;
  readonly url: string;
  readonly console: string;
  readonly token?: string;
  readonly cursor?: string;
  readonly json?: boolean;
}

export const tailCommand = (): Command =>
  new Command("tail")
    .description("show a user's events as they come; reconnects and resumes")
    .option("--user <id>", "whose events; the local console makes the token")
    .option("--scope <scope>", "scope of that token, such as admin")
    .option(
      "--url <url>",
      "the gateway (GATEWAY_URL)",
      process.env["GATEWAY_URL"] ?? "ws://localhost:8004/ws",
    )
    .option("--console <url>", "the local console", "http://localhost:8090")
    .option(
      "--token <jwt>",
      "a token of your own (TASK_EVENTS_TOKEN)",
      process.env["TASK_EVENTS_TOKEN"],
    )
    .option("--cursor <cursor>", "resume after this point")
    .option("--json", "print each event as JSON, one a line")
    .action(tail);

/** Codes after which a new connection would end the same way. */
const final: ReadonlyMap<number, string> = new Map([
  [4001, "the token is missing or wrong"],
  [4009, "another connection of this device took over"],
]);

async function tail(options: TailOptions): Promise<void> {
  if (!URL.canParse(options.url)) throw new UsageError(`--url ${options.url} is not a URL.`);
  let cursor = options.cursor;
  for (let failures = 0; ;) {
    const token = options.token ?? (await tokenOf(options));
    const end = await follow(options, token, cursor, (next) => {
      cursor = next;
      failures = 0;
    });
    const reason = final.get(end.code);
    if (reason !== undefined) throw new UsageError(`${options.url} closed: ${reason}.`);
    failures++;
    const waitMs = Math.min(10_000, 250 * 2 ** failures) * (0.5 + Math.random() / 2);
    process.stderr.write(
      `disconnected (${end.code} ${end.reason}); again in ${Math.round(waitMs)} ms\n`,
    );
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

function tokenOf({ user, scope, console: url }: TailOptions): Promise<string> {
  if (user === undefined) throw new UsageError("give --user, or a token of your own with --token.");
  return localToken(url, user, scope);
}

interface End {
  readonly code: number;
  readonly reason: string;
}

function follow(
  options: TailOptions,
  token: string,
  cursor: string | undefined,
  advance: (cursor: string) => void,
): Promise<End> {
  const url = new URL(options.url);
  if (cursor !== undefined) url.searchParams.set("cursor", cursor);
  const socket = new WebSocket(url, "task-events.v1", {
    headers: { authorization: `Bearer ${token}` },
  });
  return new Promise((resolve) => {
    let failure = "";
    socket.on("message", (bytes: Buffer) => {
      const frame: unknown = JSON.parse(bytes.toString("utf8"));
      if (!isObject(frame) || typeof frame["cursor"] !== "string") return;
      print(frame, options.json ?? false);
      advance(frame["cursor"]);
    });
    socket.on("error", (error) => (failure = error.message));
    socket.on("close", (code, reason) =>
      resolve({ code, reason: failure === "" ? String(reason) : failure }),
    );
  });
}

function print(frame: Record<string, unknown>, asJson: boolean): void {
  if (frame["type"] === "hello") {
    const gap = frame["recovered"] === false ? "; what was missed could not be recovered" : "";
    process.stderr.write(`connected${gap}\n`);
    return;
  }
  const event = frame["event"];
  if (frame["type"] !== "event" || !isObject(event)) return;
  if (asJson) console.log(JSON.stringify(event));
  else console.log(line(event));
}

function line(event: Record<string, unknown>): string {
  const data = isObject(event["data"]) ? event["data"] : {};
  const payload = isObject(data["payload"]) ? data["payload"] : {};
  const cells = [event["time"], event["type"], event["id"], data["task_id"], payload["title"]];
  return cells
    .map((cell) => (typeof cell === "string" ? clean(cell) : ""))
    .join("  ")
    .trimEnd();
}
