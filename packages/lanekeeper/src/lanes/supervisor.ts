import {
  type LaneContext,
  type LaneEvent,
  type LaneInput,
  type MailboxSummary,
  supervisorMachine,
  type SupervisorContext,
  type SupervisorEvent,
} from "@lanekeeper/machines";
import { type Actor, type ActorLogic, createActor } from "xstate";
import { createCrashSeries, startAgainMs } from "./crash-series.ts";
import { type LanekeeperError, toError } from "../keeper/errors.ts";
import { Lane, type LaneActor, laneOf } from "./lane.ts";
import type { LaneOptions } from "./lane-options.ts";
import { type ComingLanes, createComingLanes } from "./coming-lanes.ts";
import { createMailboxNews } from "./mailbox-news.ts";
import { createResumption } from "./resumption.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { Settlements } from "../turns/settlements.ts";
import type { SessionRecord } from "../store/store.ts";
import { type ChartHost, type ChartSnapshot, compileLogic } from "../xstate/compiled-logic.ts";
import type { Leaf } from "../xstate/chart-plan.ts";
import { runningTurns } from "../keeper/shutdown.ts";

/**
 * The supervisor: routing and lifetimes.
 *
 * Owns: which lanes are live; the keeper's own state (serving, draining, closing, closed).
 * Must not know: what a lane does with what it is told.
 * I1. At most one live lane a session.
 * I2. A bug in one lane ends that lane alone; it is rebuilt from the store (OTP's one-for-one), at a bounded rate.
 * I3. An actor is told something only from the queue.
 */
export interface Supervisor {
  readonly lanes: ReadonlyMap<string, Lane>;
  /** The keeper's own state; what it was told to do counts from then on. */
  readonly state: "serving" | "draining" | "closing" | "closed";
  /** Whether a session's lane crashed and is being rebuilt. */
  isRebuilding(sessionKey: string): boolean;
  /** Of a session that has no lane, and is about to get one. */
  startOf(sessionKey: string): ComingLane | undefined;
  /** Sends an event to a lane after the current step. */
  tell(lane: Lane, event: LaneEvent): void;
  /** Sends an event to a session's lane, starting the lane from the store if it sleeps. */
  route(sessionKey: string, event: LaneEvent): void;
  /** Lanes that are to start. */
  readonly coming: ComingLanes;
  /** Tells a session's lane what its mailbox holds, if it has one or is about to; it starts none. */
  inform(sessionKey: string, mailbox: MailboxSummary): void;
  /** Ends a session's lane, which has nothing to do, without a word: the store has forgotten the session. */
  forget(sessionKey: string): void;
  /** Sends an event to the supervisor itself. */
  send(event: SupervisorEvent): void;
}

/** A lane that is about to start. */
export interface ComingLane {
  /** Whether the store failed to say what is in its session. */
  readonly isFailing: boolean;
  /** What its mailbox holds, as far as that was told. */
  readonly mailbox: MailboxSummary | undefined;
}

/** What the supervisor asks of the keeper. */
export interface SupervisorHost {
  readonly runtime: Runtime;
  readonly settlements: Settlements;
  readonly chartHost: ChartHost;
  readonly laneLogic: ActorLogic<ChartSnapshot<LaneContext>, LaneEvent, LaneInput>;
  agentOf(sessionKey: string): string;
  laneOptions(sessionKey: string): LaneOptions;
  isSessionPaused(sessionKey: string): boolean;
  isKeeperPaused(): boolean;
  routeCompletion(execId: string): void;
  /** No turn runs any more, after a drain was asked for. */
  drained(): void;
  /** A reset that had to end a turn first is done. */
  resetDone(lane: Lane): void;
  /** A reset that was to start a lane could not: the store failed. */
  resetFailed(sessionKey: string, error: LanekeeperError): void;
  /** A lane was started: what its session's record says has to be done besides is done. */
  started(lane: Lane, record: SessionRecord): void;
}

/** What a session without a live lane is. */
const asleep = { state: "idle", detail: "idle" } as const;
/** What one is whose lane crashed, until it is rebuilt. */
const crashedLeaf = { state: "reclaimed", detail: "reclaimed.settling" } as const;

/** Creates the supervisor of a keeper. */
export function createSupervisor(host: SupervisorHost): Supervisor {
  const { runtime } = host;
  const { settings, journal, counters, queue, deadlines } = runtime;
  const lanes = new Map<string, Lane>();
  const rebuilding = new Set<string>();
  const rebuildDelay = createCrashSeries(() => settings.clock.monotonic());
  /** Where it was told to go: calls after that are refused, though the step itself comes later. */
  let heading: "draining" | "closing" | undefined;

  const machine = supervisorMachine.provide({
    actions: {
      routeCompletion: (_, { execId }) => host.routeCompletion(execId),
      rebuildLane: (_, { actorId, error }) => crashed(actorId, error),
      dropLane: (_, { actorId }) => drop(actorId),
      holdDispatch: () => runtime.dispatcher.hold(),
      tellDrained: () => queue.post(() => host.drained()),
      closeLanes: () => {
        for (const lane of lanes.values()) tell(lane, { type: "lane.close" });
      },
      stopLanes: () => {
        for (const lane of lanes.values()) {
          lane.isOver = true;
          stopChild(lane.actor);
        }
        lanes.clear();
      },
    },
  });
  const logic = compileLogic<SupervisorContext, SupervisorEvent, undefined>(machine, host.chartHost);
  let stopChild: (actor: LaneActor) => void = () => {};
  const supervised: typeof logic = {
    ...logic,
    getInitialSnapshot(scope, input) {
      stopChild = (actor) => scope.stopChild(actor);
      return logic.getInitialSnapshot(scope, input);
    },
  };
  const actor: Actor<typeof supervised> = createActor(supervised, { id: "supervisor", input: undefined });
  actor.subscribe({
    error: (error) =>
      journal.error("supervisor", { error: toError(error) }, "The supervisor crashed; close the keeper."),
  });
  actor.start();

  /** Every step of every lane passes here, whoever caused it. */
  const watchedLogic: typeof host.laneLogic = {
    ...host.laneLogic,
    getInitialSnapshot(scope, input) {
      lanes.get(scope.self.id)!.attach(scope.self);
      return host.laneLogic.getInitialSnapshot(scope, input);
    },
    transition(snapshot, event, scope) {
      const next = host.laneLogic.transition(snapshot, event, scope);
      if (next === snapshot) return next;
      const lane = laneOf(scope.self);
      if (!lane.isOver) moved(lane, snapshot, next);
      return next;
    },
  };
  const moved = (
    lane: Lane,
    before: ChartSnapshot<LaneContext> | undefined,
    after: ChartSnapshot<LaneContext>,
  ): void => {
    if (lane.hasHeartbeat) runtime.heartbeats.laneMoved(lane, before, after);
    count(before, -1);
    count(after.status === "active" ? after : undefined, 1);
    if (before === undefined) {
      const from = lane.isRebuilt ? crashedLeaf : asleep;
      if (journal.isObserved && after.leaf.state !== from.state) emitState(lane.sessionKey, from, after.leaf);
      return;
    }
    if (before.leaf === after.leaf) return;
    if (journal.isObserved && after.status === "active") emitState(lane.sessionKey, before.leaf, after.leaf);
    const wasStarting = before.leaf.detail === "busy.waitingForCapacity";
    if ((before.leaf.tags.has("engaged") || wasStarting) && !after.leaf.tags.has("engaged")) tellTurns();
    if (before.context.abort === "reset" && after.context.turn === null) host.resetDone(lane);
  };
  const count = (snapshot: ChartSnapshot<LaneContext> | undefined, by: 1 | -1): void => {
    if (snapshot === undefined) return;
    if (snapshot.leaf.state === "stalled") counters.stalled += by;
    if (snapshot.leaf.tags.has("engaged")) counters.engaged += by;
  };
  const emitState = (
    sessionKey: string,
    from: Pick<Leaf, "state" | "detail">,
    to: Pick<Leaf, "state" | "detail">,
  ): void => {
    journal.emit({
      type: "lane.state",
      at: settings.clock.now(),
      sessionKey,
      state: to.state as "idle",
      detail: to.detail,
      previous: { state: from.state as "idle", detail: from.detail },
    });
  };
  /** Only a drain or a close wants to know. */
  const tellTurns = (): void => {
    if (stateOf() === "serving") return;
    queue.post(() => {
      const turns = runningTurns(runtime);
      actor.send({ type: "turns.changed", turns });
      if (stateOf() === "closing" && turns === 0) host.drained();
    });
  };
  const stateOf = (): Supervisor["state"] => actor.getSnapshot().leaf.state as Supervisor["state"];

  const deliver = (lane: Lane, event: LaneEvent): void => {
    if (lane.isOver) return;
    // It was withdrawn, or its turn has started.
    if (event.type === "heartbeat.due" && runtime.heartbeats.due(lane.sessionKey) === undefined) return;
    // A turn that started meanwhile has satisfied it (B40).
    if (event.type === "wake.due" && !runtime.wakes.isDue(lane.sessionKey)) return;
    lane.actor.send(event);
  };
  const tell = (lane: Lane, event: LaneEvent): void => queue.post(deliver, lane, event);

  const start = (record: SessionRecord, crashed?: Lane): Lane => {
    const { sessionKey } = record;
    const lane = new Lane(sessionKey, host.agentOf(sessionKey), host.laneOptions(sessionKey), record);
    lane.openingTurnId = crashed?.openingTurnId;
    lane.openingGroup = crashed?.openingGroup;
    lane.hasHeartbeat = runtime.heartbeats.has(sessionKey);
    lane.isRebuilt = crashed !== undefined;
    lanes.set(sessionKey, lane);
    const laneActor = createActor(watchedLogic, {
      parent: actor,
      id: sessionKey,
      input: {
        sessionKey,
        cap: lane.options.cap,
        mailbox: record.mailbox,
        wakeDue: runtime.wakes.isDue(sessionKey),
        heartbeatDue: runtime.heartbeats.due(sessionKey) !== undefined,
        isUnconfirmed: lane.openingTurnId !== undefined,
        pausedBy: { session: host.isSessionPaused(sessionKey), keeper: host.isKeeperPaused() },
      },
    });
    laneActor.start();
    const { snapshot } = lane;
    if (snapshot.status === "active") moved(lane, undefined, snapshot);
    host.started(lane, record);
    return lane;
  };

  const news = createMailboxNews(queue, (sessionKey, mailbox) =>
    routeNow(sessionKey, { type: "mailbox.changed", mailbox }),
  );

  /** Sessions whose lane is started once the store has told what is in them. */
  const starting = new Map<string, ComingLane>();

  const resumption = createResumption(queue, (record) => {
    const { sessionKey } = record;
    if (stateOf() !== "closed" && !rebuilding.has(sessionKey) && !lanes.has(sessionKey)) start(record);
  });
  const startOf = (sessionKey: string): ComingLane | undefined => {
    const coming = starting.get(sessionKey);
    const mailbox = news.of(sessionKey) ?? coming?.mailbox ?? resumption.of(sessionKey)?.mailbox;
    if (coming === undefined && mailbox === undefined) return undefined;
    return { isFailing: coming?.isFailing ?? false, mailbox };
  };

  const route = (sessionKey: string, event: LaneEvent): void => {
    if (event.type === "mailbox.changed") news.post(sessionKey, event.mailbox);
    else queue.post(routeNow, sessionKey, event);
  };

  const routeNow = (sessionKey: string, event: LaneEvent): void => {
    if (stateOf() === "closed" || rebuilding.has(sessionKey)) return;
    const lane = lanes.get(sessionKey);
    if (lane !== undefined) {
      deliver(lane, event);
      return;
    }
    const { isFailing = false, mailbox } = startOf(sessionKey) ?? {};
    resumption.drop(sessionKey);
    const newest = event.type === "mailbox.changed" ? event.mailbox : mailbox;
    starting.set(sessionKey, { isFailing, mailbox: newest });
    const begin = (record: SessionRecord): void => {
      starting.delete(sessionKey);
      if (stateOf() === "closed" || rebuilding.has(sessionKey)) return;
      deliver(lanes.get(sessionKey) ?? start(record), event);
    };
    let isInStep = true;
    runtime.look(
      () => runtime.mailboxes.session(sessionKey),
      // Within this step where the store answers at once: whoever sent the work and looks then sees its lane (B60).
      (record) => (isInStep ? begin(record) : queue.post(begin, record)),
      (error) => {
        if (event.type === "heartbeat.due") runtime.heartbeats.laneUnreachable(sessionKey, error);
        if (event.type === "session.reset") {
          starting.delete(sessionKey);
          host.resetFailed(sessionKey, error);
          return;
        }
        // Tried again: the store has accepted this work, so its lane must hear of it. Another question may have started it.
        if (!lanes.has(sessionKey))
          starting.set(sessionKey, { isFailing: true, mailbox: starting.get(sessionKey)?.mailbox });
        deadlines.arm(startAgainMs, () => route(sessionKey, event));
      },
    );
    isInStep = false;
  };

  const drop = (sessionKey: string): void => {
    const lane = lanes.get(sessionKey);
    if (lane === undefined) return;
    lane.isOver = true;
    lanes.delete(sessionKey);
    count(lane.snapshot.status === "active" ? lane.snapshot : undefined, -1);
    if (journal.isObserved) journal.emit({ type: "lane.passivated", at: settings.clock.now(), sessionKey });
  };

  const crashed = (sessionKey: string, thrown: unknown): void => {
    const lane = lanes.get(sessionKey);
    if (lane === undefined) return;
    lane.isOver = true;
    lanes.delete(sessionKey);
    rebuilding.add(sessionKey);
    const { turn, claim } = lane;
    turn?.stop("lost");
    turn?.fence();
    // What broke the lane may break this too; the lane's slot is the dispatcher's to lose, not the supervisor's to die for.
    queue.post(() => claim?.release());
    const rebuildInMs = rebuildDelay(sessionKey);
    const error = toError(thrown);
    journal.error(
      `crashed:${sessionKey}`,
      { sessionKey, error, rebuildInMs },
      "A lane crashed; it is rebuilt from the store.",
    );
    if (journal.isObserved) {
      emitState(sessionKey, lane.snapshot.leaf, crashedLeaf);
      journal.emit({ type: "lane.crashed", at: settings.clock.now(), sessionKey, error, rebuildInMs });
    }
    if (lane.hasHeartbeat) runtime.heartbeats.laneCrashed(lane, error);
    queue.post(() => recount());
    const again = (): void => queue.post(() => rebuild(lane));
    if (rebuildInMs === 0) again();
    else deadlines.arm(rebuildInMs, again);
  };

  /** After a crash nobody knows what the lane had counted last. */
  const recount = (): void => {
    counters.stalled = counters.engaged = 0;
    for (const lane of lanes.values()) count(lane.snapshot, 1);
    tellTurns();
  };

  const rebuild = (lane: Lane): void => {
    const { sessionKey, turn } = lane;
    if (stateOf() === "closed") return;
    const retry = (): void => void deadlines.arm(startAgainMs, () => queue.post(() => rebuild(lane)));
    const read = (): void => {
      runtime.look(
        () => runtime.mailboxes.session(sessionKey),
        (record) =>
          queue.post(() => {
            if (stateOf() === "closed") return;
            rebuilding.delete(sessionKey);
            start(record, lane);
            for (const postponed of lane.takePostponed())
              if (typeof postponed === "function") queue.post(postponed);
          }),
        retry,
      );
    };
    if (turn === undefined || turn.record.mailbox !== undefined) read();
    else host.settlements.settle(turn, turn.crashConclusion, read, retry);
  };

  return {
    lanes,
    get state() {
      const state = stateOf();
      return state === "closed" || heading === undefined ? state : heading;
    },
    isRebuilding: (sessionKey) => rebuilding.has(sessionKey),
    startOf,
    tell,
    route,
    coming: createComingLanes(news, resumption),
    inform(sessionKey, mailbox) {
      if (lanes.has(sessionKey) || startOf(sessionKey) !== undefined)
        route(sessionKey, { type: "mailbox.changed", mailbox });
    },
    forget(sessionKey) {
      const lane = lanes.get(sessionKey);
      if (lane?.snapshot.leaf.state !== "idle") return;
      lane.isOver = true;
      lanes.delete(sessionKey);
      stopChild(lane.actor);
    },
    send(event) {
      if (event.type === "keeper.close") heading = "closing";
      else if (event.type === "keeper.drain") heading ??= "draining";
      queue.post(() => {
        // As many as there are by then: what was accepted before may have been given a slot meanwhile.
        if (event.type === "keeper.drain")
          actor.send({ type: "turns.changed", turns: runningTurns(runtime) });
        actor.send(event);
      });
    },
  };
}
