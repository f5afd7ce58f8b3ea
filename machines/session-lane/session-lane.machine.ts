import { createLaneContext, toEffectInput, toSettlementInput } from "./session-lane.logic.ts";
import { sessionLaneSetup } from "./session-lane.setup.ts";

/** The session lane: one session's turns, one at a time, none of which can hold it for ever. */
export const sessionLaneMachine = sessionLaneSetup.createMachine({
  id: "sessionLane",
  description:
    "Runs one session's turns, one at a time, in the order their work was accepted. Whatever a turn does, the lane's own deadlines take its slot back.",
  context: ({ input }) => createLaneContext(input),
  initial: "idle",
  on: {
    "mailbox.changed": { actions: { type: "recordMailbox", params: ({ event }) => event } },
    "pause.changed": { actions: { type: "recordPause", params: ({ event }) => event } },
    "wake.due": { actions: ["recordWake", "deferWake"] },
    "heartbeat.due": { actions: "recordHeartbeat" },
    "heartbeat.withdrawn": { actions: "forgetHeartbeat" },
  },
  states: {
    idle: {
      description: "Nothing it may start: no work, or only events that wait for another reason to run.",
      on: {
        "wake.due": { actions: ["recordWake", "deferWake"] },
        "session.reset": { target: "busy.restarting" },
      },
      always: { guard: "hasWork", target: "busy" },
      after: { passivation: { target: "asleep" } },
    },
    busy: {
      description: "Has work: waiting to start it, running it, or settling it.",
      initial: "choosing",
      states: {
        choosing: {
          description: "Decides what the mailbox allows now; left at once.",
          always: [
            { guard: "hasNoWork", target: "#sessionLane.idle" },
            { guard: "isPaused", target: "paused", actions: "forgetHeartbeat" },
            { guard: "isBackingOff", target: "backingOff" },
            { guard: "isDebouncing", target: "debouncing" },
            { target: "waitingForCapacity" },
          ],
        },
        paused: {
          description:
            "Has work that may not start while its session or the keeper is paused. A heartbeat does not wait for that: it is skipped.",
          on: {
            "session.reset": { target: "restarting" },
            "heartbeat.due": { target: "choosing", actions: "recordHeartbeat" },
          },
          always: { guard: "isPausedNoMore", target: "choosing" },
        },
        backingOff: {
          description:
            "A failed turn waits to be tried again. A message never waits for events that back off.",
          on: { "session.reset": { target: "restarting" } },
          always: { guard: "isBackingOffNoMore", target: "choosing" },
          after: { backoff: { target: "choosing", actions: "endBackoff" } },
        },
        debouncing: {
          description: "A batch at the head waits for quiet. What else waits here goes to its turn.",
          on: { "session.reset": { target: "restarting" } },
          always: { guard: "isDebouncingNoMore", target: "choosing" },
          after: {
            debounce: [
              { guard: "isBatchQuiet", target: "choosing", actions: "endDebounce" },
              { target: "debouncing", reenter: true },
            ],
          },
        },
        waitingForCapacity: {
          description: "Waits for a slot. That is not running: no stall clock runs, however long it takes.",
          entry: "adjustClaim",
          invoke: { id: "claim", src: "claim", input: toEffectInput },
          on: {
            "mailbox.changed": {
              actions: [{ type: "recordMailbox", params: ({ event }) => event }, "adjustClaim"],
            },
            "wake.due": { actions: ["recordWake", "deferWake", "adjustClaim"] },
            "heartbeat.withdrawn": { actions: ["forgetHeartbeat", "adjustClaim"] },
            "wake.raised": { actions: "adjustClaim" },
            "slot.granted": { target: "opening" },
            "session.reset": { target: "restarting", actions: "releaseSlot" },
          },
          always: { guard: "isHeldBack", target: "choosing", actions: "releaseSlot" },
        },
        opening: {
          description:
            "Holds a slot while the store opens the next turn. What is asked meanwhile is answered after it.",
          tags: "engaged",
          exit: "resumePostponed",
          invoke: { id: "opening", src: "opening", input: toEffectInput },
          on: {
            "turn.opened": {
              target: "running",
              actions: [{ type: "recordTurn", params: ({ event }) => event }, "startTurn"],
            },
            "turn.withheld": {
              target: "choosing",
              actions: [{ type: "recordWithheld", params: ({ event }) => event }, "releaseSlot"],
            },
            "turn.unconfirmed": { target: "withoutStore", actions: "recordUnconfirmed" },
            "store.failed": { target: "withoutStore" },
            "slot.lost": { actions: "postpone" },
            "session.reset": { actions: "postpone" },
            "lane.close": { actions: "postpone" },
          },
        },
        running: {
          description:
            "The host's turn runs. Progress moves the stall deadline; nothing moves the turn's own time limit.",
          tags: "engaged",
          on: {
            "turn.returned": { target: "settling", actions: "recordReturned" },
            "turn.threw": { target: "settling", actions: "recordThrown" },
            "turn.abort": {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "aborted" } }, "abortTurn"],
            },
            "session.reset": {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "reset" } }, "abortTurn"],
            },
            "lane.close": {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "closed" } }, "abortTurn"],
            },
            "slot.lost": {
              target: "#sessionLane.reclaimed",
              actions: [{ type: "recordAbort", params: { reason: "lost" } }, "abortTurn"],
            },
          },
          always: {
            guard: "isInterrupted",
            target: "aborting",
            actions: ["recordInterrupt", "abortTurn"],
          },
          after: {
            turnDeadline: {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "timeout" } }, "abortTurn"],
            },
            stallDeadline: [
              { guard: "isQuiet", target: "#sessionLane.stalled" },
              { target: "running", reenter: true },
            ],
          },
        },
        aborting: {
          description: "The turn was told to stop while it was making progress; it has its grace to return.",
          tags: "engaged",
          on: {
            "turn.returned": { target: "settling", actions: "recordReturned" },
            "turn.threw": [
              { guard: "isReclaiming", target: "#sessionLane.reclaimed" },
              { target: "settling", actions: "recordThrown" },
            ],
            "turn.abort": {
              guard: "isOutcomeOpen",
              actions: [{ type: "recordAbort", params: { reason: "aborted" } }, "abortTurn"],
            },
            "session.reset": [
              {
                guard: "isOutcomeOpen",
                actions: [{ type: "recordAbort", params: { reason: "reset" } }, "abortTurn"],
              },
              { actions: "postpone" },
            ],
            "slot.lost": { target: "#sessionLane.reclaimed" },
          },
          always: {
            guard: "isInterrupted",
            target: "aborting",
            actions: ["recordInterrupt", "abortTurn"],
          },
          after: {
            abortGrace: [
              { guard: "isGraceOver", target: "#sessionLane.reclaimed" },
              { target: "aborting", reenter: true },
            ],
          },
        },
        settling: {
          description: "The turn is over and its slot is free; the store records what became of its work.",
          entry: "releaseSlot",
          exit: "resumePostponed",
          tags: "engaged",
          invoke: { id: "settlement", src: "settlement", input: toSettlementInput },
          on: {
            "work.settled": {
              target: "choosing",
              actions: { type: "recordSettled", params: ({ event }) => event },
            },
            "store.failed": { target: "unsettled" },
            "session.reset": { actions: "postpone" },
          },
        },
        unsettled: {
          description:
            "The store could not record the end of the turn: its slot is free, its outcome open, and it is tried again.",
          invoke: { id: "outage", src: "outage", input: toEffectInput },
          on: { "session.reset": { actions: "postpone" } },
          after: { storeRetry: { target: "settling" } },
        },
        restarting: {
          description: "The store starts a new incarnation of the session.",
          exit: "resumePostponed",
          invoke: { id: "restart", src: "restart", input: toEffectInput },
          on: {
            "session.restarted": {
              target: "choosing",
              actions: { type: "recordMailbox", params: ({ event }) => event },
            },
            "store.failed": { target: "choosing" },
            "session.reset": { actions: "postpone" },
          },
        },
        withoutStore: {
          description:
            "The store failed to open a turn: the slot is given back, the work stays, and it is tried again.",
          entry: "releaseSlot",
          invoke: { id: "outage", src: "outage", input: toEffectInput },
          on: { "session.reset": { target: "restarting" } },
          after: { storeRetry: { target: "choosing" } },
        },
      },
    },
    stalled: {
      description: "The turn made no progress for too long. It still runs, is warned about, and may recover.",
      tags: "engaged",
      entry: "reportStalled",
      initial: "running",
      on: {
        "turn.returned": { target: "#sessionLane.busy.settling", actions: "recordReturned" },
        "turn.threw": { target: "#sessionLane.busy.settling", actions: "recordThrown" },
      },
      states: {
        running: {
          description: "Silent, and given until the reclaim deadline to make progress.",
          on: {
            "turn.progressed": { target: "#sessionLane.busy.running", actions: "reportRecovered" },
            "turn.abort": {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "aborted" } }, "abortTurn"],
            },
            "session.reset": {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "reset" } }, "abortTurn"],
            },
            "lane.close": {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "closed" } }, "abortTurn"],
            },
            "slot.lost": {
              target: "#sessionLane.reclaimed",
              actions: [{ type: "recordAbort", params: { reason: "lost" } }, "abortTurn"],
            },
          },
          always: {
            guard: "isInterrupted",
            target: "aborting",
            actions: ["recordInterrupt", "abortTurn"],
          },
          after: {
            turnDeadline: {
              target: "aborting",
              actions: [{ type: "recordAbort", params: { reason: "timeout" } }, "abortTurn"],
            },
            reclaimDeadline: [
              {
                guard: "isOverdue",
                target: "aborting",
                actions: [{ type: "recordAbort", params: { reason: "stalled" } }, "abortTurn"],
              },
              { target: "running", reenter: true },
            ],
          },
        },
        aborting: {
          description:
            "The turn was told to stop while it was stalled; a reply within its grace still completes it.",
          on: {
            "turn.threw": { guard: "isReclaiming", target: "#sessionLane.reclaimed" },
            "turn.abort": {
              guard: "isOutcomeOpen",
              actions: [{ type: "recordAbort", params: { reason: "aborted" } }, "abortTurn"],
            },
            "session.reset": [
              {
                guard: "isOutcomeOpen",
                actions: [{ type: "recordAbort", params: { reason: "reset" } }, "abortTurn"],
              },
              { actions: "postpone" },
            ],
            "slot.lost": { target: "#sessionLane.reclaimed" },
          },
          always: {
            guard: "isInterrupted",
            target: "aborting",
            actions: ["recordInterrupt", "abortTurn"],
          },
          after: {
            abortGrace: [
              { guard: "isGraceOver", target: "#sessionLane.reclaimed" },
              { target: "aborting", reenter: true },
            ],
          },
        },
      },
    },
    reclaimed: {
      description:
        "The turn was aborted and fenced and its slot freed; stays so until the store has settled its work.",
      entry: ["recordExpired", "fenceTurn", "releaseSlot", "reportReclaimed"],
      exit: "resumePostponed",
      initial: "settling",
      on: {
        "session.reset": { actions: "postpone" },
      },
      states: {
        settling: {
          description: "The store records what becomes of the reclaimed work.",
          tags: "engaged",
          invoke: { id: "settlement", src: "settlement", input: toSettlementInput },
          on: {
            "work.settled": {
              target: "#sessionLane.busy.choosing",
              actions: { type: "recordSettled", params: ({ event }) => event },
            },
            "store.failed": { target: "unsettled" },
          },
        },
        unsettled: {
          description: "The store could not record it; it is tried again.",
          invoke: { id: "outage", src: "outage", input: toEffectInput },
          after: { storeRetry: { target: "settling" } },
        },
      },
    },
    asleep: {
      description:
        "Idle for long enough: the actor ends, and the session is the store's alone until its next item.",
      type: "final",
    },
  },
});
