/** Records every task event once, for ever. */
import { defineFunction, onEverything } from "../../lib/host/function.ts";
import { serve } from "../../lib/host/serve.ts";
import { openAuditLog, type AuditLog } from "./audit-log.ts";
import { auditRoutes } from "./routes.ts";

export const auditLog = defineFunction<AuditLog>({
  name: "audit-log",
  open: openAuditLog,
  handlers: [onEverything((event, { resources }) => resources.recorder.record(event))],
  ready: ({ missing }) => missing(),
  routes: auditRoutes,
});

if (import.meta.main) await serve(auditLog);
