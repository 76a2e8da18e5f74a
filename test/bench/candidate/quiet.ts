/** A function on the host that does nothing with its events: what is measured is the way to it. */
import { taskCreated } from "../../../lib/events/task.ts";
import { defineFunction, on } from "../../../lib/host/function.ts";
import { serve } from "../../../lib/host/serve.ts";

const quiet = defineFunction({
  name: "quiet",
  open: async () => ({ [Symbol.asyncDispose]: async () => undefined }),
  handlers: [on(taskCreated, async () => undefined)],
});

await serve(quiet);
