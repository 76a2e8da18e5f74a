/** What the gateway holds while it runs, put together in the order in which it needs each other. */
import type { Logger } from "pino";
import type { OpenContext } from "../../lib/host/function.ts";
import type { Tracer } from "../../lib/host/span.ts";
import { tokenVerifier, type VerifyToken } from "../../lib/host/token.ts";
import { type CursorCodec, cursorCodec } from "./access/cursor.ts";
import { openTickets, type Tickets } from "./access/ticket.ts";
import type { GatewayEnv } from "./env.ts";
import { auditLogClient } from "./history/audit-log.ts";
import { Generation } from "./history/generation.ts";
import { Recovery } from "./history/recovery.ts";
import { type GatewayMetrics, openGatewayMetrics } from "./metric.ts";
import { Admission } from "./peer/admission.ts";
import { Broadcast } from "./peer/broadcast.ts";
import { DeviceSeats } from "./peer/device-seat.ts";
import { DirectEvents } from "./peer/direct-event.ts";
import type { OutboxLimits } from "./peer/outbox.ts";
import { Peers } from "./peer/peers.ts";
import type { SessionOptions } from "./peer/session.ts";
import { Presence } from "./state/presence.ts";
import { openStateStore } from "./state/state-store.ts";
import { openTail } from "./topic/open-tail.ts";
import type { Tail } from "./topic/tail.ts";

export interface Gateway extends AsyncDisposable {
  readonly env: GatewayEnv;
  readonly log: Logger;
  readonly metrics: GatewayMetrics;
  readonly tracer: Tracer;
  readonly random: () => number;
  readonly tail: Tail;
  readonly generation: Generation;
  readonly broadcast: Broadcast;
  readonly direct: DirectEvents;
  readonly peers: Peers;
  readonly admission: Admission;
  readonly codec: CursorCodec;
  readonly verifyToken: VerifyToken;
  readonly tickets: Tickets;
  readonly seats: DeviceSeats;
  readonly presence: Presence;
  readonly session: SessionOptions;
  readonly outboxLimits: OutboxLimits;
}

/** In the first seconds, a new peer's hello waits for the generation, so that its cursor outlives this process. */
const generationPatienceMs = 5_000;
/** audit-log may lag behind, or be away, for this long before a resume is not recovered. */
const recoveryPatienceMs = 10_000;
const recoveryPollMs = 200;
const presenceRenewMs = 20_000;
const deviceCheckMs = 10_000;
const stallMs = 30_000;
/** Frames of so many ms go in one write once a replica is busy; more where it has peers by the thousand. */
const writeWindowMs = { min: 5, max: 25 };

/** Resolves once the ring ends where the sidecar will begin: only then the port may open. */
export async function openGateway(env: GatewayEnv, context: OpenContext): Promise<Gateway> {
  const { log, tracer } = context;
  const random = Math.random;
  const tail = await openTail(env, log);
  const codec = cursorCodec(env.cursorKeys);
  const { generation, recovery } = openHistory(env, tail, log);
  const stored = openStored(env, log, codec);
  const peers: Peers = new Peers({
    heartbeatMs: env.heartbeatMs,
    random,
    now: Date.now,
    onJoin: (peer) => stored.presence.join(peer),
    onLeave: (peer) => {
      broadcast.leave(peer);
      stored.presence.leave(peer);
    },
  });
  const observed = { peers: () => peers, ring: () => tail.ring };
  const metrics = openGatewayMetrics(context.metrics, observed);
  const broadcast = openBroadcast({ tail, generation, codec, metrics });
  const direct = new DirectEvents(tail, broadcast);
  follow({ tail, generation, broadcast, direct, peers, metrics });
  return {
    env,
    log,
    metrics,
    tracer,
    random,
    tail,
    generation,
    broadcast,
    direct,
    peers,
    codec,
    ...stored,
    admission: new Admission(env),
    verifyToken: tokenVerifier(env.token),
    outboxLimits: { frames: env.queueFrames, bytes: env.queueBytes, stallMs },
    session: openSessions({ tail, generation, codec, broadcast, recovery, log }, metrics),
    async [Symbol.asyncDispose]() {
      peers[Symbol.dispose]();
      generation[Symbol.dispose]();
      await stored.seats[Symbol.asyncDispose]();
      await stored.presence[Symbol.asyncDispose]();
    },
  };
}

/** What lives on in redis-state. */
function openStored(env: GatewayEnv, log: Logger, codec: CursorCodec) {
  const state = openStateStore({ ...env, log });
  const replica = env.podName;
  const now = Date.now;
  return {
    tickets: openTickets({ keys: env.cursorKeys, codec, state, now }),
    seats: new DeviceSeats({ state, codec, log, checkMs: deviceCheckMs }),
    presence: new Presence({ state, replica, log, now, renewMs: presenceRenewMs }),
  };
}

type Parts = Pick<
  Gateway,
  "tail" | "generation" | "broadcast" | "direct" | "peers" | "codec" | "metrics" | "log"
>;

function openBroadcast({
  tail,
  generation,
  codec,
  metrics,
}: Pick<Parts, "tail" | "generation" | "codec" | "metrics">): Broadcast {
  return new Broadcast({
    sign: (offsets) => codec.sign(generation.name, offsets),
    head: () => tail.ring.head,
    onFrames: (count) => metrics.frames.inc(count),
    windowMs: writeWindowMs,
  });
}

/** From the ring to the peers. */
function follow(
  parts: Pick<Parts, "tail" | "generation" | "broadcast" | "direct" | "peers" | "metrics">,
) {
  const { tail, generation, broadcast, direct, peers, metrics } = parts;
  tail.listener = {
    onEntry: (entry, isRepeated) => {
      if (isRepeated) return;
      metrics.broadcast.inc();
      broadcast.publish({ ...entry, place: entry }, direct.unseenBy(entry.identity));
    },
    onRestart: () => {
      generation.forget();
      peers.closeAll("the topic was made anew: resume");
    },
  };
}

/** What audit-log is asked for. Where it knows another topic than the one read here, that one is read. */
function openHistory(env: GatewayEnv, tail: Tail, log: Logger) {
  const auditLog = auditLogClient({ ...env, url: env.auditLogUrl });
  const generation = new Generation({ auditLog, log });
  const recovery = new Recovery({
    auditLog,
    generation,
    patienceMs: recoveryPatienceMs,
    pollMs: recoveryPollMs,
    now: Date.now,
    onOtherGeneration: () => {
      tail
        .restart()
        .catch((error: unknown) => log.warn({ err: error }, "the topic was not reread"));
    },
  });
  return { generation, recovery };
}

function openSessions(
  parts: Omit<SessionOptions, "onResume" | "generationPatienceMs">,
  metrics: GatewayMetrics,
): SessionOptions {
  const until = Date.now() + generationPatienceMs;
  return {
    ...parts,
    onResume: (source) => metrics.resumes.inc({ source }),
    generationPatienceMs: () => Math.max(0, until - Date.now()),
  };
}
