/** An event's attributes as the filters of the dispatcher read them. */
import type { Filter } from "./filter.ts";

export interface FilteredEvent {
  /** By CloudEvents name, extensions included, as text; `datacontenttype` left out. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly contentType: string | undefined;
}

/** `subject` and `datacontenttype` of an event that has none: the dispatcher throws on it. */
export class UnreadableAttributeError extends Error {
  override readonly name = "UnreadableAttributeError";

  constructor(attribute: string) {
    super(`a filter reads ${attribute}, which the event does not have`);
  }
}

/** Passes where all attributes match. An empty value is not looked at, so it matches anything. */
export function attributes(
  wanted: Readonly<Record<string, string>>,
  matches: (given: string, wanted: string) => boolean,
): Filter {
  // The contract between controller and dispatcher sorts them, which tells which is read first.
  const entries = Object.entries(wanted)
    .filter(([, value]) => value !== "")
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (event) => entries.every(([name, value]) => matches(read(event, name), value));
}

/** What is missing is the empty text, with two exceptions. */
function read({ attributes, contentType }: FilteredEvent, name: string): string {
  switch (name) {
    case "datacontenttype":
      return contentType ?? unreadable(name);
    case "subject":
      return attributes.get(name) ?? unreadable(name);
    case "dataschema":
    case "schemaurl":
      return attributes.get("dataschema") ?? attributes.get("schemaurl") ?? "";
    case "time":
      return toInstant(attributes.get(name) ?? "");
    default:
      return attributes.get(name) ?? "";
  }
}

function unreadable(name: string): never {
  throw new UnreadableAttributeError(name);
}

/** As Java's ISO_INSTANT prints it: UTC, the fraction in groups of three digits. */
function toInstant(time: string): string {
  if (time === "") return "";
  const digits = (/\.(\d{1,9})/.exec(time)?.[1] ?? "").replace(/0+$/, "");
  const fraction = digits.padEnd(Math.ceil(digits.length / 3) * 3, "0");
  const second = new Date(time.replace(/\.\d+/, "")).toISOString().slice(0, -".000Z".length);
  return `${second}${fraction === "" ? "" : `.${fraction}`}Z`;
}
