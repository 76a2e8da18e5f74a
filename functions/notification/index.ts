/** Tells people about their tasks by e-mail and SMS, once per event, recipient and channel. */
import { ping } from "../../lib/events/ping.ts";
import { taskCompleted, taskCreated, taskRecurringTriggered } from "../../lib/events/task.ts";
import { defineFunction, on } from "../../lib/host/function.ts";
import { serve } from "../../lib/host/serve.ts";
import { schemaBehind } from "../../lib/store/migrate.ts";
import { readNotificationEnv } from "./env.ts";
import { migrations } from "./migrations.ts";
import { notify } from "./notify.ts";
import { type Notifier, openNotifier } from "./notifier.ts";
import { addRoutes } from "./routes.ts";

export const notification = defineFunction<Notifier>({
  name: "notification",
  open: (context) => openNotifier(readNotificationEnv(), context),
  handlers: [
    on(taskCreated, notify),
    on(taskCompleted, notify),
    on(taskRecurringTriggered, notify),
    on(ping, async (_, { resources }) => {
      await resources.wake();
      return "done";
    }),
  ],
  routes: addRoutes,
  ready: ({ db }) => schemaBehind(db, migrations),
  drain: async (notifier) => notifier.stopLeasing(),
});

if (import.meta.main) await serve(notification);
