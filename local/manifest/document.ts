/** A YAML file as documents whose fields know their lines. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import type { Problem } from "./error.ts";
import type { FieldPath, Place, Read } from "./resource.ts";

export interface ReadDocument extends Read {
  value: unknown;
}

/** `file` is relative to `root` and stays so in what is said about it. Empty documents are left out. */
export function readDocuments(
  root: string,
  file: string,
): { documents: ReadDocument[]; problems: Problem[] } {
  const lineCounter = new LineCounter();
  // kubectl reads YAML 1.1: there an unquoted `on` or `yes` is true, not a text.
  const parsed = parseAllDocuments(readFileSync(join(root, file), "utf8"), {
    lineCounter,
    version: "1.1",
    merge: true,
  });
  const documents = Array.isArray(parsed) ? parsed : [];
  const place = (offset: number): Place => ({ file, line: lineCounter.linePos(offset).line || 1 });
  // The first of a document only: what follows it is mostly its echo.
  const problems = documents.flatMap(({ errors, warnings }) =>
    [...errors, ...warnings].slice(0, 1).map(({ message, pos }) => ({
      ...place(pos[0]),
      sentence: `no valid YAML: ${message.split(/ at line |\n/, 1)[0] ?? message}`,
    })),
  );
  const usable = problems.length > 0 ? [] : documents.filter(({ contents }) => isNode(contents));
  return { documents: usable.map((document) => toReadDocument(document, place)), problems };
}

function toReadDocument(document: Document.Parsed, place: (offset: number) => Place): ReadDocument {
  const placeOf = (path: FieldPath): Place => place(offsetOf(document, path));
  return { value: document.toJS(), at: placeOf([]), placeOf };
}

/** Walks down as far as the path exists; a field stands where its key does. */
function offsetOf(document: Document.Parsed, path: FieldPath): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const step of path) {
    const parent = isAlias(node) ? node.resolve(document) : node;
    if (!isCollection(parent)) break;
    node = parent.get(step, true);
    if (node === undefined) break;
    offset = startOf(keyOf(parent, step) ?? node, offset);
  }
  return offset;
}

const keyOf = (parent: Node, step: string | number): unknown =>
  isMap(parent)
    ? parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))?.key
    : undefined;

const startOf = (node: unknown, otherwise = 0): number =>
  isNode(node) ? (node.range?.[0] ?? otherwise) : otherwise;
