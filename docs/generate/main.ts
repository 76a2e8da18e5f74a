/** `make docs`: writes the documents of the contract; refuses a schema that breaks readers of the published one. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toJsonSchema } from "../../lib/events/json-schema.ts";
import { taskEventTypes } from "../../lib/events/task.ts";
import { brokenPromise } from "./compatibility.ts";
import { documents, publishedPath, schemaText } from "./document.ts";

const folder = join(import.meta.dirname, "..");

function publish(): string[] {
  return taskEventTypes.flatMap((eventType) => {
    const path = join(folder, publishedPath(eventType.type));
    if (!existsSync(path)) writeFileSync(path, schemaText(eventType));
    const published = JSON.parse(readFileSync(path, "utf8")) as object;
    return brokenPromise(eventType.type, published, toJsonSchema(eventType)) ?? [];
  });
}

mkdirSync(join(folder, "schema", "published"), { recursive: true });
const broken = publish();
if (broken.length > 0) {
  process.stderr.write(`${broken.join("\n")}\n`);
  process.exit(2);
}
for (const [path, text] of documents()) writeFileSync(join(folder, path), text);
