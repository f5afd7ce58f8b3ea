import { assign, fromCallback, setup } from "xstate";
import type { HeartbeatAsk, HeartbeatEvent } from "./heartbeat-runner.events.ts";
import {
  type CapacityReason,
  createHeartbeatContext,
  deferToCapacity,
  deferToSession,
  hasRetry,
  type HeartbeatAbort,
  type HeartbeatContext,
  type HeartbeatInput,
  isDisabled,
  isEarly,
  isFlooding,
  isSpaced,
  isOutcomeOpen,
  isTooSoon,
  recordAbort,
  recordBreak,
  recordCompletion,
  recordDisabled,
  recordDue,
  recordEarly,
  recordEnabled,
  recordEnd,
  recordFailure,
  recordInherited,
  recordReclaim,
  recordRequest,
  recordSkip,
  recordStart,
  type SkipReason,
  withdraw,
} from "./heartbeat-runner.logic.ts";

type At = { readonly at: number };

/**
 * The heartbeat runner: asks one agent's session for a turn at the times of its schedule, and never takes one.
 * The lane alone knows whether its session is busy, keeps the request until nothing else may start, and runs the turn;
 * the runner asks once, listens, and keeps the schedule whatever comes of it. The runtime provides the actors, the three
 * effects, the guard that knows time zones, and the delays.
 */
export const heartbeatRunnerMachine = setup({
  types: { context: {} as HeartbeatContext, events: {} as HeartbeatEvent, input: {} as HeartbeatInput },
  actors: {
    /** Answers `clock.read`, once. */
    clock: fromCallback<HeartbeatEvent>(() => {}),
    /**
     * Asks the lane for a heartbeat turn, and withdraws that when it is cleaned up before the turn has started. The lane's
     * own steps tell what becomes of it.
     */
    request: fromCallback<HeartbeatEvent, HeartbeatAsk>(() => {}),
  },
  actions: {
    recordEnabled: assign(({ context }, params: At) => recordEnabled(context, params)),
    recordDisabled: assign(({ context }, params: At) => recordDisabled(context, params)),
    withdraw: assign(({ context }, params: At) => withdraw(context, params)),
    recordRequest: assign(({ context }) => recordRequest(context)),
    recordDue: assign(({ context }, params: At) => recordDue(context, params)),
    recordEarly: assign(({ context }, params: At) => recordEarly(context, params)),
    recordSkip: assign(({ context }, params: At & { reason: SkipReason }) => recordSkip(context, params)),
    deferToSession: assign(({ context }, params: At) => deferToSession(context, params)),
    deferToCapacity: assign(({ context }, params: At & { reason: CapacityReason }) =>
      deferToCapacity(context, params),
    ),
    recordStart: assign(({ context }, params: At) => recordStart(context, params)),
    recordInherited: assign(({ context }, params: At) => recordInherited(context, params)),
    recordAbort: assign(({ context }, params: At & { reason: HeartbeatAbort }) =>
      recordAbort(context, params),
    ),
    recordCompletion: assign(({ context }, params: At & { durationMs: number }) =>
      recordCompletion(context, params),
    ),
    recordFailure: assign(({ context }, params: At & { error: string; permanent?: boolean }) =>
      recordFailure(context, params),
    ),
    recordBreak: assign(({ context }, params: At & { error: string }) => recordBreak(context, params)),
    recordReclaim: assign(({ context }, params: At) => recordReclaim(context, params)),
    recordEnd: assign(({ context }, params: At) => recordEnd(context, params)),
    /** Tells what `last` says, once: an event, and the answer of whoever asked by hand. */
    reportResult: () => {},
    /** Answers whoever asked by hand with what `last` says; everybody else knows it. */
    answerRequest: () => {},
    /** Keeps the latest starts, so that spacing survives a restart. */
    saveStarts: () => {},
  },
  guards: {
    isDisabled: ({ context }) => isDisabled(context),
    isEnabled: ({ context }) => !isDisabled(context),
    isRequested: ({ context }) => context.requested,
    hasRetry: ({ context }) => hasRetry(context),
    isEarly: ({ context }, params: At) => isEarly(context, params),
    /** The instant lies outside the active hours of their zone (B44): the runtime knows zones. */
    isQuietHours: (_, _params: At) => false,
    isTooSoon: ({ context }, params: At) => isTooSoon(context, params),
    isFlooding: ({ context }, params: At) => isFlooding(context, params),
    isSpaced: ({ context }) => isSpaced(context),
    isOutcomeOpen: ({ context }) => isOutcomeOpen(context),
  },
  delays: {
    /** Until `nextAt`. Stands for `everyMs`, which has no default: half an hour. */
    dueTime: 1_800_000,
    /** Until `retryAt`; `minSpacingMs` by default (B45). */
    retryTime: 30_000,
  },
}).createMachine({
  id: "heartbeatRunner",
  description:
    "Asks one agent's session for a turn at the times of its schedule. Busy sessions, failures and skipped times never move the schedule; a time that passes meanwhile is merged.",
  context: ({ input }) => createHeartbeatContext(input),
  initial: "idle",
  on: {
    "heartbeat.enable": { actions: { type: "recordEnabled", params: ({ event }) => event } },
    "heartbeat.disable": {
      actions: [{ type: "recordDisabled", params: ({ event }) => event }, "reportResult"],
    },
    "heartbeat.request": [
      {
        guard: "isDisabled",
        actions: [
          { type: "recordSkip", params: ({ event }) => ({ at: event.at, reason: "disabled" }) },
          "reportResult",
        ],
      },
      {
        actions: ["recordRequest", { type: "deferToSession", params: ({ event }) => event }, "reportResult"],
      },
    ],
    "turn.inherited": {
      actions: [{ type: "recordInherited", params: ({ event }) => event }, "saveStarts"],
    },
  },
  states: {
    idle: {
      description: "Waits for its time; its agent's session may do what it likes.",
      initial: "waiting",
      on: {
        "turn.started": {
          description: "A start that crossed the withdrawal of its request.",
          target: "#heartbeatRunner.busy.running",
          actions: [{ type: "recordStart", params: ({ event }) => event }, "saveStarts"],
        },
      },
      states: {
        waiting: {
          description: "The next time of the schedule has not come.",
          on: { "heartbeat.request": { target: "judging", actions: "recordRequest" } },
          always: [
            { guard: "isDisabled", target: "disabled" },
            { guard: "isRequested", target: "judging" },
            { guard: "hasRetry", target: "retrying" },
          ],
          after: { dueTime: { target: "judging" } },
        },
        disabled: {
          description: "Heartbeats are turned off. Events still start turns by themselves (B9).",
          always: { guard: "isEnabled", target: "waiting" },
        },
        retrying: {
          description:
            "The last one failed and is tried again after its backoff, before the next time, at most 3 times.",
          on: { "heartbeat.request": { target: "judging", actions: "recordRequest" } },
          always: { guard: "isDisabled", target: "disabled" },
          after: { retryTime: { target: "judging" } },
        },
        judging: {
          description:
            "Its time came or somebody asked: reads the clock and decides whether it may start now. A request by hand is exempt from spacing, not from quiet hours.",
          invoke: { id: "clock", src: "clock" },
          on: {
            "clock.read": [
              {
                guard: { type: "isEarly", params: ({ event }) => event },
                target: "waiting",
                actions: { type: "recordEarly", params: ({ event }) => event },
              },
              {
                guard: { type: "isQuietHours", params: ({ event }) => event },
                target: "waiting",
                actions: [
                  { type: "recordSkip", params: ({ event }) => ({ at: event.at, reason: "quiet-hours" }) },
                  "reportResult",
                ],
              },
              {
                guard: { type: "isTooSoon", params: ({ event }) => event },
                target: "waiting",
                actions: [
                  { type: "recordSkip", params: ({ event }) => ({ at: event.at, reason: "too-soon" }) },
                  "reportResult",
                ],
              },
              {
                guard: { type: "isFlooding", params: ({ event }) => event },
                target: "waiting",
                actions: [
                  { type: "recordSkip", params: ({ event }) => ({ at: event.at, reason: "flood" }) },
                  "reportResult",
                ],
              },
              {
                target: "#heartbeatRunner.busy",
                actions: { type: "recordDue", params: ({ event }) => event },
              },
            ],
            "heartbeat.request": { actions: "recordRequest" },
          },
          always: { guard: "isDisabled", target: "disabled" },
        },
      },
    },
    busy: {
      description: "Its time came: asks for the turn, waits until it can start, or runs it.",
      initial: "pending",
      on: {
        "turn.completed": {
          guard: "isOutcomeOpen",
          target: "idle",
          actions: [{ type: "recordCompletion", params: ({ event }) => event }, "reportResult"],
        },
        "turn.failed": {
          guard: "isOutcomeOpen",
          target: "idle",
          actions: [{ type: "recordFailure", params: ({ event }) => event }, "reportResult"],
        },
        "turn.ended": { target: "idle", actions: { type: "recordEnd", params: ({ event }) => event } },
        "turn.aborted": {
          guard: "isOutcomeOpen",
          target: ".aborting",
          actions: [{ type: "recordAbort", params: ({ event }) => event }, "reportResult"],
        },
        "turn.reclaimed": {
          target: "reclaimed",
          actions: [{ type: "recordReclaim", params: ({ event }) => event }, "reportResult"],
        },
        "lane.crashed": {
          target: "idle",
          actions: [{ type: "recordFailure", params: ({ event }) => event }, "reportResult"],
        },
      },
      states: {
        pending: {
          description:
            "Due and not started: the lane has the request, and starts it when nothing else may start. Its time is spent; whatever stops it here, the schedule goes on.",
          initial: "asking",
          invoke: {
            id: "request",
            src: "request",
            input: ({ context }) => ({ agent: context.agent }),
          },
          on: {
            "turn.started": {
              target: "running",
              actions: [{ type: "recordStart", params: ({ event }) => event }, "saveStarts"],
            },
            "turn.inherited": [
              {
                guard: "isSpaced",
                target: "#heartbeatRunner.idle",
                actions: [
                  { type: "recordInherited", params: ({ event }) => event },
                  "saveStarts",
                  { type: "recordSkip", params: ({ event }) => ({ at: event.at, reason: "too-soon" }) },
                  "reportResult",
                ],
              },
              { actions: [{ type: "recordInherited", params: ({ event }) => event }, "saveStarts"] },
            ],
            "turn.refused": {
              target: "#heartbeatRunner.idle",
              actions: [{ type: "recordSkip", params: ({ event }) => event }, "reportResult"],
            },
            "lane.unreachable": {
              target: "#heartbeatRunner.idle",
              actions: [{ type: "recordBreak", params: ({ event }) => event }, "reportResult"],
            },
            "heartbeat.disable": {
              target: "#heartbeatRunner.idle",
              actions: [{ type: "withdraw", params: ({ event }) => event }, "reportResult"],
            },
          },
          states: {
            asking: {
              description: "Has asked the session's lane, once, and waits for what it says.",
              on: {
                "session.occupied": {
                  target: "deferred",
                  actions: [{ type: "deferToSession", params: ({ event }) => event }, "reportResult"],
                },
                "capacity.filled": {
                  target: "waitingForCapacity",
                  actions: [{ type: "deferToCapacity", params: ({ event }) => event }, "reportResult"],
                },
                "heartbeat.request": { actions: "recordRequest" },
              },
            },
            deferred: {
              description:
                "Its own session is busy. No polling: the lane starts it when nothing else may start. Told once, however often that changes.",
              on: {
                "capacity.filled": {
                  target: "waitingForCapacity",
                  actions: { type: "deferToCapacity", params: ({ event }) => event },
                },
                "heartbeat.request": { actions: ["recordRequest", "answerRequest"] },
              },
            },
            waitingForCapacity: {
              description:
                "Its session is free and capacity, or its group, is not: stands in the one line for it, however long.",
              on: {
                "session.occupied": {
                  target: "deferred",
                  actions: { type: "deferToSession", params: ({ event }) => event },
                },
                "heartbeat.request": { actions: ["recordRequest", "answerRequest"] },
              },
            },
          },
        },
        running: {
          description: "Its turn runs in the lane, under the lane's deadlines.",
          on: { "turn.stalled": { target: "#heartbeatRunner.stalled" } },
        },
        aborting: {
          description:
            "Its turn was told to stop, mostly because a person's message preempts it, and has its grace to return.",
        },
      },
    },
    stalled: {
      description: "Its turn makes no progress. The lane gives it until its reclaim deadline.",
      initial: "running",
      on: {
        "turn.completed": {
          guard: "isOutcomeOpen",
          target: "idle",
          actions: [{ type: "recordCompletion", params: ({ event }) => event }, "reportResult"],
        },
        "turn.failed": {
          guard: "isOutcomeOpen",
          target: "idle",
          actions: [{ type: "recordFailure", params: ({ event }) => event }, "reportResult"],
        },
        "turn.ended": { target: "idle", actions: { type: "recordEnd", params: ({ event }) => event } },
        "turn.aborted": {
          guard: "isOutcomeOpen",
          target: ".aborting",
          actions: [{ type: "recordAbort", params: ({ event }) => event }, "reportResult"],
        },
        "turn.reclaimed": {
          target: "reclaimed",
          actions: [{ type: "recordReclaim", params: ({ event }) => event }, "reportResult"],
        },
        "lane.crashed": {
          target: "idle",
          actions: [{ type: "recordFailure", params: ({ event }) => event }, "reportResult"],
        },
      },
      states: {
        running: {
          description: "Runs without progress, and may recover.",
          on: { "turn.recovered": { target: "#heartbeatRunner.busy.running" } },
        },
        aborting: {
          description: "Was told to stop while it was stalled; a reply within its grace still counts.",
        },
      },
    },
    reclaimed: {
      description:
        "Its turn was fenced and its slot freed. Stays so until the lane has settled it; the schedule is kept.",
      on: {
        "turn.settled": { target: "idle", actions: { type: "recordEnd", params: ({ event }) => event } },
        "lane.crashed": { target: "idle", actions: { type: "recordEnd", params: ({ event }) => event } },
      },
    },
  },
});
