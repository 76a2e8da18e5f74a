/** One event to one sink until it is settled: retries, then the dead letter sink, then dropped. */
import { setTimeout as wait } from "node:timers/promises";
import { IllegalTagError, toDeadLetter } from "./dead-letter.ts";
import { backoffMs, isRetried, isSuccess, type DeliveryPolicy } from "./delivery-policy.ts";
import { noAnswer, type HttpSender, type SinkAnswer, type SinkRequest } from "./http-sender.ts";

export type AttemptOutcome = "done" | "retry" | "dead-letter" | "dropped";

export interface Attempt {
  /** From 1. */
  readonly attempt: number;
  /** Null where no answer came. */
  readonly status: number | null;
  readonly ms: number;
  readonly outcome: AttemptOutcome;
}

/**
 * `done`, `dead-letter` and `dropped` are committed. `stuck` never is: the dispatcher would wait for ever.
 * `abandoned` was stopped before it was settled and comes again.
 */
export type Settlement = "done" | "dead-letter" | "dropped" | "stuck" | "abandoned";

/** What is done with a good answer; resolves with why it is none after all. `sent` are the headers it answers. */
export type TakeAnswer = (
  answer: SinkAnswer,
  sent: SinkRequest["headers"],
) => Promise<string | undefined>;

export interface DeliveryContext {
  readonly sender: HttpSender;
  /** No further attempt begins; a running one may end. */
  readonly stopping: AbortSignal;
  /** Running attempts are cut off. */
  readonly abandoning: AbortSignal;
  readonly onAttempt: (attempt: Attempt) => void;
  /** What real Knative does without a word. */
  readonly onLoss: (sentence: string) => void;
  /** It counts as delivered by another request than the POST. */
  readonly onRedirect?: () => void;
  /** Of the sink and of the dead letter sink. Without it, answers are dropped. */
  readonly takeAnswer?: TakeAnswer;
}

export interface Target {
  readonly sinkUrl: string;
  readonly policy: DeliveryPolicy;
  /** Which answers are tried again, where it is not the dispatcher that sends. */
  readonly isRetried?: (status: number | null) => boolean;
}

export async function deliver(
  message: SinkRequest,
  target: Target,
  context: DeliveryContext,
): Promise<Settlement> {
  const last = await sendWithRetries(message, target, context, context.onAttempt);
  if (last === "abandoned") return "abandoned";
  const { answer, ...attempt } = last;
  const isGood = isDelivered(answer);
  if (isGood && (await isTaken(answer, message, context))) {
    if (answer.isRedirected) context.onRedirect?.();
    context.onAttempt({ ...attempt, outcome: "done" });
    return "done";
  }
  // What made a good answer a failure was not the sink: the dispatcher then knows no answer.
  const settlement = await giveUp(message, target, isGood ? noAnswer : answer, context);
  if (settlement === "dead-letter" || settlement === "dropped") {
    context.onAttempt({ ...attempt, outcome: settlement });
  }
  return settlement;
}

async function isTaken(
  answer: SinkAnswer,
  { headers }: SinkRequest,
  { takeAnswer, onLoss }: DeliveryContext,
): Promise<boolean> {
  const refusal = await takeAnswer?.(answer, headers);
  if (refusal !== undefined) onLoss(refusal);
  return refusal === undefined;
}

async function giveUp(
  message: SinkRequest,
  { sinkUrl, policy }: Target,
  answer: SinkAnswer,
  context: DeliveryContext,
): Promise<Settlement> {
  const { deadLetterSinkUrl } = policy;
  if (deadLetterSinkUrl === undefined) {
    context.onLoss(
      "dropped: nobody took it and there is no deadLetterSink. Knative drops and commits it silently",
    );
    return "dropped";
  }
  let deadLetter: SinkRequest;
  try {
    deadLetter = toDeadLetter(message, sinkUrl, answer);
  } catch (error) {
    if (!(error instanceof IllegalTagError)) throw error;
    context.onLoss(`never finished: ${error.message}. Knative stops here, silently and for ever`);
    return "stuck";
  }
  const last = await sendWithRetries(
    deadLetter,
    { sinkUrl: deadLetterSinkUrl, policy },
    context,
    () => {},
  );
  if (last === "abandoned") return "abandoned";
  if (isDelivered(last.answer) && (await isTaken(last.answer, deadLetter, context))) {
    return "dead-letter";
  }
  const status = last.status ?? "nothing";
  context.onLoss(
    `dropped: the deadLetterSink answered ${status}. Knative drops and commits it silently`,
  );
  return "dropped";
}

interface Sent extends Omit<Attempt, "outcome"> {
  readonly answer: SinkAnswer;
}

const isDelivered = ({ status }: SinkAnswer): boolean => status !== null && isSuccess(status);

/** The last attempt. Each one before it is reported as a retry. */
async function sendWithRetries(
  message: SinkRequest,
  { sinkUrl, policy, isRetried: isRetriedHere = isRetried }: Target,
  { sender, stopping, abandoning }: DeliveryContext,
  onRetry: (attempt: Attempt) => void,
): Promise<Sent | "abandoned"> {
  for (let attempt = 1; ; attempt++) {
    if (stopping.aborted) return "abandoned";
    const startedAt = performance.now();
    const answer = await sender.send(sinkUrl, message, policy.timeoutMs, abandoning);
    const sent: Sent = {
      attempt,
      status: answer.status,
      ms: performance.now() - startedAt,
      answer,
    };
    if (isDelivered(answer)) return sent;
    // A failure while stopping may be the stop's own doing: the record comes again.
    if (stopping.aborted) return "abandoned";
    if (!isRetriedHere(answer.status) || attempt > policy.retry) return sent;
    onRetry({ attempt, status: sent.status, ms: sent.ms, outcome: "retry" });
    try {
      await wait(backoffMs(policy, attempt), undefined, { signal: stopping });
    } catch {
      return "abandoned";
    }
  }
}
