/** English: also for every language that has no words of its own. */
import { taskCompleted, taskCreated, taskRecurringTriggered } from "../../../../lib/events/task.ts";
import { htmlWith, layoutWith, type Template, textWith } from "./template.ts";

const footer = "You receive this because of your notification preferences in Task Events.";

export const english: Template = {
  language: "en",
  untitled: "untitled task",
  layout: layoutWith(footer),
  messages: {
    [taskCreated.type]: {
      subject: "New task: {{title}}",
      text: textWith("A task was created: {{title}}", "due", "Due:", footer),
      html: htmlWith("A task was created: <strong>{{title}}</strong>", "due", "Due:"),
      sms: "New task: {{title}}{{#due}}. Due: {{due}}{{/due}}",
    },
    [taskCompleted.type]: {
      subject: "Task done: {{title}}",
      text: textWith("A task was completed: {{title}}", "due", "It was due:", footer),
      html: htmlWith("A task was completed: <strong>{{title}}</strong>", "due", "It was due:"),
      sms: "Task done: {{title}}",
    },
    [taskRecurringTriggered.type]: {
      subject: "It is time: {{title}}",
      text: textWith("A recurring task is due: {{title}}", "occurrence", "When:", footer),
      html: htmlWith("A recurring task is due: <strong>{{title}}</strong>", "occurrence", "When:"),
      sms: "It is time: {{title}}{{#occurrence}}. {{occurrence}}{{/occurrence}}",
    },
  },
};
