/** Keeps the recurrence rules of tasks and publishes each occurrence that is due, under one id. */
import { ping } from "../../lib/events/ping.ts";
import { taskCreated, taskDeleted, taskUpdated } from "../../lib/events/task.ts";
import { defineFunction, on } from "../../lib/host/function.ts";
import { serve } from "../../lib/host/serve.ts";
import { schemaBehind } from "../../lib/store/migrate.ts";
import { readEnv } from "./env.ts";
import { fire } from "./firing/fire.ts";
import { migrations } from "./migrations.ts";
import { record } from "./series/record.ts";
import { openResources, type Resources } from "./resources.ts";
import { seriesRoutes } from "./routes.ts";

export const recurringTask = defineFunction<Resources>({
  name: "recurring-task",
  open: async (context) => openResources(readEnv(), context),
  handlers: [
    on(taskCreated, record("created")),
    on(taskUpdated, record("updated")),
    on(taskDeleted, record("deleted")),
    on(ping, fire),
  ],
  routes: seriesRoutes,
  ready: ({ db }) => schemaBehind(db, migrations),
  drain: async ({ stopping }) => stopping.abort(),
});

if (import.meta.main) await serve(recurringTask);
