/** The path of an event for a person: what happened in the order of time, then what each function made of it. */
import type { Traced } from "../trace.ts";
import { clean, colored, plural } from "../output/table.ts";

interface Step {
  readonly at: string;
  readonly who: string;
  readonly what: string;
}

export function toPath({ verdicts, places }: Traced): string {
  const { event } = verdicts;
  const owner = [
    event.task_id === null ? "no task" : `task ${event.task_id}`,
    event.user_id === null ? "no user" : `user ${event.user_id}`,
    places.trace_id === null ? "no trace context" : `trace ${places.trace_id}`,
  ].join(", ");
  const steps = toSteps({ verdicts, places }).toSorted(
    (a, b) => Date.parse(a.at) - Date.parse(b.at),
  );
  const width = Math.max(...steps.map(({ who }) => who.length), 0);
  const startMs = Date.parse(
    places.records.find(({ at }) => at !== null)?.at ?? steps[0]?.at ?? "",
  );
  return [
    `${event.type} ${event.id} of ${event.source}: ${owner}`,
    ...(event.problem === null ? [] : [`breaks the contract: ${event.problem.message}`]),
    "",
    ...steps.map(({ at, who, what }) =>
      [timeOf(at), sinceOf(at, startMs), who.padEnd(width), what].join("  "),
    ),
    "",
    ...verdictLines({ verdicts, places }),
  ]
    .map(clean)
    .map(highlight)
    .join("\n");
}

const timeOf = (at: string): string => new Date(at).toISOString().slice(0, 23).replace("T", " ");

function sinceOf(at: string, startMs: number): string {
  const seconds = (Date.parse(at) - startMs) / 1_000;
  return Number.isNaN(seconds)
    ? ""
    : `${seconds < 0 ? "" : "+"}${seconds.toFixed(3)} s`.padStart(12);
}

const highlight = (line: string): string =>
  /dead letter|failed|not recorded/.test(line) ? colored(line, "red") : line;

const toSteps = (traced: Traced): Step[] => [
  ...deliverySteps(traced),
  ...letterSteps(traced),
  ...effectSteps(traced),
];

function deliverySteps({ verdicts, places }: Traced): Step[] {
  const records = places.records.flatMap(({ at, partition, offset, role }) => {
    const what = `${partition}/${offset}${role === "first" ? "" : ", a duplicate"}`;
    return at === null ? [] : [{ at, who: "topic", what }];
  });
  const attempts = (verdicts.attempts ?? []).map(({ at, attempt, status, ms, ...it }) => ({
    at,
    who: it.function,
    what: `attempt ${attempt}: ${status ?? "no answer"} after ${ms} ms, ${it.outcome}`,
  }));
  return [...records, ...attempts];
}

const letterSteps = ({ places }: Traced): Step[] =>
  places.dead_letters.flatMap(({ at, dead_letter: place, reason, redriven, ...letter }) => [
    { at, who: letter.function ?? "?", what: `dead letter ${place}: ${reason ?? ""}` },
    ...(redriven === null
      ? []
      : [
          {
            at: redriven.at,
            who: redriven.to,
            what: `dead letter ${place} redriven by ${redriven.by}`,
          },
        ]),
  ]);

function effectSteps({ verdicts, places }: Traced): Step[] {
  const { entry, notifications, recurrence, triggered } = verdicts;
  const sent = notifications.map(({ updated_at: at, channel, state, reason, attempts, ...it }) => {
    const why = reason === null ? "" : ` (${reason})`;
    return {
      at,
      who: "notification",
      what: `${channel} to ${it.user_id}: ${state}${why}, attempt ${attempts}`,
    };
  });
  const occurrences = triggered.map(({ recorded_at: at, id, extensions }) => {
    const isOwn = isSameTrace(extensions, places.trace_id);
    return {
      at,
      who: "recurring-task",
      what: `triggered ${id}${isOwn ? "" : " (by another change of this task)"}`,
    };
  });
  return [
    ...(entry === null ? [] : [{ at: entry.recorded_at, who: "audit-log", what: "recorded" }]),
    ...sent,
    ...(recurrence?.taken_in_at
      ? [{ at: recurrence.taken_in_at, who: "recurring-task", what: "taken in" }]
      : []),
    ...occurrences,
  ];
}

const isSameTrace = (
  extensions: Readonly<Record<string, string>>,
  traceId: string | null,
): boolean => traceId === null || (extensions["traceparent"] ?? traceId).includes(traceId);

function verdictLines({ verdicts, places }: Traced): string[] {
  const { entry, notifications, recurrence, attempts } = verdicts;
  const sent = notifications.map(({ channel, state }) => `${channel} ${state}`).join(", ");
  const gateways = Object.entries(places.passed)
    .filter(([name]) => !isFunction.has(name))
    .map(([name, hasPassed]) => [name, hasPassed ? "has passed it" : "has not passed it yet"]);
  const lines = [
    ["audit-log", entry === null ? "not recorded" : recordedText(entry.duplicates)],
    ["notification", sent === "" ? "nothing to send" : sent],
    ["recurring-task", recurrenceText(recurrence)],
    ...gateways,
    ...(attempts === null ? [["attempts", "not known: a cluster's dispatcher does not tell"]] : []),
  ];
  const width = Math.max(...lines.map(([name = ""]) => name.length));
  return lines.map(([name = "", text]) => `${name.padEnd(width)}  ${text}${waiting(name, places)}`);
}

const isFunction = new Set(["audit-log", "notification", "recurring-task"]);

const waiting = (name: string, { passed }: Traced["places"]): string =>
  passed[name] === false && isFunction.has(name)
    ? "; its consumer group has not committed it yet"
    : "";

function recordedText(duplicates: readonly { readonly differs: boolean }[]): string {
  if (duplicates.length === 0) return "recorded once";
  const different = duplicates.filter(({ differs }) => differs).length;
  const says = different === 0 ? "all say the same" : `${different} say something else`;
  return `recorded once, ${plural(duplicates.length, "later record")} noted (${says})`;
}

function recurrenceText(recurrence: Traced["verdicts"]["recurrence"]): string {
  const series = recurrence?.series ?? null;
  if (series === null) return recurrence?.taken_in_at ? "taken in; no recurrence" : "not taken in";
  const [next] = series.occurrences;
  const rule = `${series.rrule}, ${series.state}${next === undefined ? "" : `, next ${next.at}`}`;
  return recurrence?.is_rule_of_event === true
    ? `its rule is this event's: ${rule}`
    : `its rule is another event's: ${rule}`;
}
