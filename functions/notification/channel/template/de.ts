/** German. */
import { taskCompleted, taskCreated, taskRecurringTriggered } from "../../../../lib/events/task.ts";
import { htmlWith, layoutWith, type Template, textWith } from "./template.ts";

const footer =
  "Sie erhalten diese Nachricht wegen Ihrer Einstellungen für Benachrichtigungen in Task Events.";

export const german: Template = {
  language: "de",
  untitled: "Aufgabe ohne Titel",
  layout: layoutWith(footer),
  messages: {
    [taskCreated.type]: {
      subject: "Neue Aufgabe: {{title}}",
      text: textWith("Eine Aufgabe wurde angelegt: {{title}}", "due", "Fällig:", footer),
      html: htmlWith("Eine Aufgabe wurde angelegt: <strong>{{title}}</strong>", "due", "Fällig:"),
      sms: "Neue Aufgabe: {{title}}{{#due}}. Fällig: {{due}}{{/due}}",
    },
    [taskCompleted.type]: {
      subject: "Aufgabe erledigt: {{title}}",
      text: textWith("Eine Aufgabe wurde erledigt: {{title}}", "due", "Sie war fällig:", footer),
      html: htmlWith(
        "Eine Aufgabe wurde erledigt: <strong>{{title}}</strong>",
        "due",
        "Sie war fällig:",
      ),
      sms: "Aufgabe erledigt: {{title}}",
    },
    [taskRecurringTriggered.type]: {
      subject: "Es ist Zeit: {{title}}",
      text: textWith("Eine Aufgabe steht wieder an: {{title}}", "occurrence", "Wann:", footer),
      html: htmlWith(
        "Eine Aufgabe steht wieder an: <strong>{{title}}</strong>",
        "occurrence",
        "Wann:",
      ),
      sms: "Es ist Zeit: {{title}}{{#occurrence}}. {{occurrence}}{{/occurrence}}",
    },
  },
};
