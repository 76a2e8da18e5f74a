/** The n-th event of a load: the same in every run, and told from its id alone. */

export interface LoadEvent {
  readonly id: string;
  readonly type: string;
  readonly taskId: string;
  readonly data: object;
}

/** What happens to a task, in this order. */
const life = ["task.created", "task.updated", "task.updated", "task.completed"] as const;
/** So many tasks live at once: an event of a task is answered long before its next one is sent. */
const tasksAtOnce = 1_000;
const blockEvents = tasksAtOnce * life.length;
/** Every so many-th task recurs, for the first time long after the run: nothing but the load is on the topic. */
const recurringEvery = 10;
const recurrence = { rrule: "FREQ=WEEKLY", dtstart: "2099-01-01T09:00:00", time_zone: "UTC" };

const taskOf = (index: number): number =>
  Math.floor(index / blockEvents) * tasksAtOnce + (index % tasksAtOnce);

/** 0 to 3: where in its task's life an event stands. */
export const stepOf = (index: number): number => Math.floor((index % blockEvents) / tasksAtOnce);

/** Of `users`; all events of a task are of one user. */
export const userOf = (index: number, users: number): number => taskOf(index) % users;

export const userName = (user: number): string => `load-user-${user}`;

export const indexOf = (id: string): number => Number(id.slice("load-".length));

export const taskNumber = taskOf;

export function eventAt(index: number, users: number): LoadEvent {
  const task = taskOf(index);
  const step = stepOf(index);
  const taskId = `load-task-${task}`;
  const isRecurring = step === 0 && task % recurringEvery === 0;
  const title = `Task ${task}: water the plants on the balcony`;
  const description = `Step ${step + 1} of ${life.length} of a task like any other. `.repeat(3);
  return {
    id: `load-${index}`,
    type: life[step] ?? "task.updated",
    taskId,
    data: {
      task_id: taskId,
      user_id: userName(userOf(index, users)),
      payload: { title, description, ...(isRecurring ? { recurrence } : {}) },
    },
  };
}
