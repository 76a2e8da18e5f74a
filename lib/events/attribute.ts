/** The context attributes of a CloudEvent: read from headers or JSON, and held to CloudEvents 1.0. */
import type { Attributes, Position, Problem } from "./event.ts";
import { isTime } from "./time.ts";

/** RFC 3986, as the CloudEvents SDK checks it: ASCII, whole percent escapes. */
const uriReference = /^(?:[\w\-.~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/;
const absoluteUri = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const extensionName = /^[a-z0-9]+$/;

const problem = (message: string): Problem => ({ code: "attribute_invalid", message });

/** Sets one attribute by its CloudEvents name; anything that is not a core attribute is an extension. */
export function setAttribute(attributes: Attributes, name: string, value: string): void {
  switch (name) {
    case "id":
    case "source":
    case "type":
    case "specversion":
    case "subject":
    case "time":
    case "datacontenttype":
    case "dataschema":
      attributes[name] = value;
      return;
    default:
      attributes.extensions[name] = value;
  }
}

/** The same by the name of its header: compared whole, what every event has needs no string cut from it. */
export function setHeader(attributes: Attributes, header: string, value: string): void {
  switch (header) {
    case "ce-id":
      attributes.id = value;
      return;
    case "ce-source":
      attributes.source = value;
      return;
    case "ce-type":
      attributes.type = value;
      return;
    case "ce-specversion":
      attributes.specversion = value;
      return;
    case "ce-subject":
      attributes.subject = value;
      return;
    case "ce-time":
      attributes.time = value;
      return;
    default:
      setAttribute(attributes, header.slice("ce-".length), value);
  }
}

export const emptyAttributes = (): Attributes => ({
  id: "",
  source: "",
  type: "",
  specversion: "",
  subject: null,
  time: null,
  datacontenttype: null,
  dataschema: null,
  extensions: {},
});

/** The first rule of CloudEvents 1.0 that the attributes break, or null. */
export function attributeProblem(attributes: Attributes): Problem | null {
  if (attributes.specversion !== "1.0") {
    return problem(`specversion must be "1.0", not ${quoted(attributes.specversion)}`);
  }
  for (const name of ["id", "source", "type"] as const) {
    if (attributes[name] === "") return problem(`${name} is missing or empty`);
  }
  return optionalAttributeProblem(attributes);
}

function optionalAttributeProblem(attributes: Attributes): Problem | null {
  const { source, time, subject, dataschema, datacontenttype, extensions } = attributes;
  if (!uriReference.test(source)) {
    return problem(`source ${quoted(source)} is not a URI-reference (RFC 3986)`);
  }
  if (time !== null && !isTime(time)) {
    return problem(`time ${quoted(time)} is not an RFC 3339 timestamp`);
  }
  if (subject === "") return problem("subject is empty");
  if (datacontenttype === "") return problem("datacontenttype is empty");
  if (dataschema !== null && !(uriReference.test(dataschema) && absoluteUri.test(dataschema))) {
    return problem(`dataschema ${quoted(dataschema)} is not an absolute URI`);
  }
  for (const name in extensions) {
    if (!extensionName.test(name)) {
      return problem(`the name of extension ${quoted(name)} has characters outside a-z and 0-9`);
    }
    // CloudEvents 1.0.2, "Naming conventions": in JSON it would stand where the data does.
    if (name === "data") return problem('an extension is called "data", which is reserved');
  }
  return null;
}

/** Quoted for a message: cut at 60 characters, so that a hostile value does not fill the log. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** Takes the two extensions by which KafkaSource tells a record's place out of the attributes. */
export function takePosition(attributes: Attributes): Position | null {
  const { knativekafkapartition: partition, knativekafkaoffset: offset } = attributes.extensions;
  delete attributes.extensions["knativekafkapartition"];
  delete attributes.extensions["knativekafkaoffset"];
  return toPosition(partition, offset);
}

export function toPosition(
  partition: string | undefined,
  offset: string | undefined,
): Position | null {
  if (partition === undefined || offset === undefined) return null;
  const position = { partition: toIndex(partition), offset: toIndex(offset) };
  return position.partition < 0 || position.offset < 0 ? null : position;
}

const toIndex = (text: string): number => {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : -1;
  return Number.isSafeInteger(value) ? value : -1;
};
