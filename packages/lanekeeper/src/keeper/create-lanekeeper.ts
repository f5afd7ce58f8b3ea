import { AsyncLocalStorage } from "node:async_hooks";
import type { LaneContext, LaneEvent, LaneInput } from "@lanekeeper/machines";
import { createAdmission } from "./admission.ts";
import { createAwaits } from "../turns/awaits.ts";
import type { Capacity } from "./capacity-options.ts";
import { createDoubts } from "../store/doubts.ts";
import { createExpiries } from "../turns/expiries.ts";
import { createForgetting } from "../lanes/forgetting.ts";
import { createLaneBook } from "../lanes/lane-book.ts";
import { createRedrives } from "./redrives.ts";
import { createWithdrawals } from "../turns/withdrawals.ts";
import { recover } from "./recovery.ts";
import { createBlockedNotices } from "../dispatch/blocked-notices.ts";
import { createCapacity } from "../dispatch/capacity.ts";
import { createCompletions } from "../commands/completions.ts";
import { createDeadlines } from "../time/deadlines.ts";
import type { Dispatcher, Slots } from "../dispatch/dispatcher.ts";
import { createEventLoopDelay, stillEventLoop } from "../seeing/event-loop-delay.ts";
import { createExecutions } from "../commands/executions.ts";
import { createHealth, type Health } from "../seeing/health.ts";
import { createJournal, type Journal } from "../seeing/journal.ts";
import { containRejection, type LanekeeperError, type LanekeeperErrorCode } from "./errors.ts";
import { createHeartbeats } from "../heartbeats/heartbeats.ts";
import type { Interposer } from "./interposer.ts";
import { containChance } from "./chance.ts";
import { containIds } from "./id.ts";
import { giveBack, openStore } from "../store/opening-store.ts";
import { keepAlive } from "./keep-alive.ts";
import type { Lanekeeper } from "./keeper.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import { type KeeperParts, OpenLanekeeper } from "./open-lanekeeper.ts";
import { provideLaneEffects } from "../lanes/lane-effects.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import { createLocks } from "../locks/locks.ts";
import { createLostTime } from "../time/lost-time.ts";
import { completeOptions, defaultAgentOf, type LanekeeperOptions, type Settings } from "./options.ts";
import { openPassages } from "./passages.ts";
import { notItsStore } from "./refusals.ts";
import { createPauses, type Pauses } from "../lanes/pauses.ts";
import { createPendingOutcomes } from "../turns/pending-outcomes.ts";
import { createPulse } from "../time/pulse.ts";
import { createResets } from "../lanes/resets.ts";
import { createRetention } from "../store/retention.ts";
import { createRunQueue, type RunQueue } from "./run-queue.ts";
import { createRunningDeadlines } from "../time/running-deadlines.ts";
import type { Runtime } from "./runtime.ts";
import { nameFault } from "./session-key.ts";
import { createSteeringClaims } from "../turns/steering-claims.ts";
import { createSettlements } from "../turns/settlements.ts";
import { createShutdown } from "./shutdown.ts";
import { createStoreRequests } from "../store/store-requests.ts";
import { createSupervisor, type Supervisor } from "../lanes/supervisor.ts";
import { createWakes } from "../lanes/wakes.ts";
import { type ChartHost, compileLogic } from "../xstate/compiled-logic.ts";
import { createZombies } from "../lanes/zombies.ts";

/** What a store refuses that fails. */
const storeFailures: ReadonlySet<LanekeeperErrorCode> = new Set([
  "STORE_UNAVAILABLE",
  "STORE_CORRUPT",
  "STORE_IN_USE",
]);
/** Milliseconds until a store that failed to say what may expire is asked again. */
const expiringAgainMs = 1_000;

/**
 * Starts an orchestrator. What its store holds runs once this has resolved and its caller could subscribe: turns know the
 * keeper. Rejects with `INVALID_OPTION` or `STORE_IN_USE`; nothing has been started then.
 */
export async function createLanekeeper<Message = unknown, Reply = unknown>(
  options: LanekeeperOptions<Message, Reply>,
): Promise<Lanekeeper<Message, Reply>> {
  return assembleLanekeeper(options);
}

/** The same with a dispatcher of the caller's, for tests of what a lost claim does. */
export async function assembleLanekeeper<Message = unknown, Reply = unknown>(
  options: LanekeeperOptions<Message, Reply>,
  createDispatcher: (slots: Slots, now: () => number) => Dispatcher = createCapacity,
): Promise<Lanekeeper<Message, Reply>> {
  const completed = completeOptions(options);
  const interposer = completed.recorder?.begin(completed);
  try {
    return (await assemble(completed, createDispatcher, interposer)) as unknown as Lanekeeper<Message, Reply>;
  } catch (error) {
    interposer?.failed(error);
    throw error;
  }
}

async function assemble(
  completed: Settings,
  createDispatcher: (slots: Slots, now: () => number) => Dispatcher,
  interposer: Interposer | undefined,
): Promise<Lanekeeper> {
  const given = interposer?.settings ?? completed;
  const passages = interposer?.passages ?? openPassages;
  const { through } = passages;
  const { clock } = given;
  const aside = interposer?.aside ?? clock;
  const journal = createJournal(aside, given.logger, () => queue.post(() => {}), passages);
  for (const { error, did } of given.randomFaults) journal.callbackFailed("random", error, did);
  const queue: RunQueue = createRunQueue(
    {
      afterStep: () => journal.flush(),
      onError: (error) =>
        journal.error("step", { error }, "A step of the runtime threw; please report this as a bug."),
    },
    passages,
  );
  const settings = {
    ...given,
    createId: containIds(given, (...fault) => journal.callbackFailed("createId", ...fault)),
    random: containChance(given.random, (...fault) => journal.callbackFailed("random", ...fault)),
  };
  const { mailboxes, pauses: recordedPauses } = await through(openStore(settings, through));

  const lostTime = createLostTime();
  const deadlines = createDeadlines(
    clock,
    (from, to) => {
      lostTime.add(from, to);
      const lostMs = to - from;
      journal.warn(
        "clock",
        { lostMs },
        "Nothing could run for a while; stall deadlines are moved by that time.",
      );
      if (journal.isObserved) journal.emit({ type: "clock.late", at: clock.now(), lostMs });
    },
    (callback, a) => queue.post(callback, a),
  );
  const armRunning = createRunningDeadlines(clock, deadlines, lostTime);
  let { capacity } = settings;
  const zombies = createZombies(() => health.check());
  const requests = createStoreRequests(
    armRunning,
    {
      onFailure: (error) => {
        const isFailure = storeFailures.has(error.code);
        if (error.code === "STORE_IN_USE" && !mailboxes.isHeld) loseStore(error);
        else if (isFailure) health.storeFailed(error);
        return isFailure;
      },
      onSuccess: () => health.storeAnswered(),
      onLoss: (sessionKey) => doubts.raise(sessionKey),
    },
    passages,
  );
  /** It never comes back: whoever has it runs what was accepted here, and nothing that this keeper does counts (B59). */
  let storeLoss: LanekeeperError | undefined;
  let closeItself = (): void => {};
  const loseStore = (refusal: LanekeeperError): void => {
    if (storeLoss !== undefined || supervisor.state === "closing" || supervisor.state === "closed") return;
    storeLoss = notItsStore(refusal);
    health.storeLost(storeLoss);
    queue.post(() => closeItself());
  };
  const supervisorState = (): Supervisor["state"] => supervisor.state;
  const health: Health = createHealth({
    journal,
    now: () => clock.now(),
    keeper: supervisorState,
    zombies: () => ({ count: zombies.count, tolerated: capacity.zombies }),
  });

  // The parts know each other through the runtime, so those made last are reached through it, when they are needed.
  const runtime: Runtime = {
    ...requests,
    settings,
    mailboxes,
    dispatcher: createDispatcher(capacity, () => clock.monotonic()),
    deadlines,
    lostTime,
    armRunning,
    queue,
    passages,
    journal,
    outcomes: createPendingOutcomes(
      { ended: (seq) => expiries.over(seq), doubtful: (sessionKey) => doubts.raise(sessionKey) },
      passages,
    ),
    zombies,
    pulse: createPulse(deadlines, () => runtime.dispatcher.held > 0),
    counters: { stalled: 0, engaged: 0, completed: 0, failed: 0, reclaimed: 0 },
    scope: new AsyncLocalStorage<LiveTurn>(),
    get wakes() {
      return wakes;
    },
    get heartbeats() {
      return heartbeats;
    },
    get awaits() {
      return awaits;
    },
    get doubts() {
      return doubts;
    },
    get expiries() {
      return expiries;
    },
    get withdrawals() {
      return withdrawals;
    },
    get capacity() {
      return capacity;
    },
    get executions() {
      return executions;
    },
    get locks() {
      return locks;
    },
    get lanes() {
      return supervisor.lanes;
    },
    get storeLoss() {
      return storeLoss;
    },
    isServing: () => supervisor.state === "serving",
    laneOptionsOf: (sessionKey) => supervisor.lanes.get(sessionKey)?.options ?? laneBook.lookUp(sessionKey),
    limitsOf: (lane) => laneBook.limitsOf(lane),
    claimSteering: createSteeringClaims(() => runtime),
    tell: (lane, event) => supervisor.tell(lane, event),
  };
  const laneBook = createLaneBook(
    settings,
    {
      get waiting() {
        return capacity.waiting;
      },
    },
    journal,
  );
  const settlements = createSettlements(runtime);
  const chartHost: ChartHost = {
    post: (task, a, b) => queue.post(task, a, b),
    // What is ready runs by itself; the chart drops what it no longer wants.
    arm(delayMs, task, a) {
      if (delayMs > 0) return deadlines.arm(delayMs, task, a);
      queue.post(task, a);
      return { cancel: () => {} };
    },
  };
  // Of lanes the events tell.
  const watchedHost: ChartHost =
    interposer === undefined ? chartHost : { ...chartHost, moved: interposer.moved };
  const locks = createLocks(runtime, watchedHost);
  const shutdown = createShutdown(runtime);
  const resets = createResets(runtime, { route: (sessionKey, event) => supervisor.route(sessionKey, event) });
  const laneMachine = provideLaneEffects({
    runtime,
    settlements,
    watchBlocked: createBlockedNotices(runtime),
    restart: (lane, sendBack) => resets.restart(lane, sendBack),
  });
  const agentOf = (sessionKey: string): string => {
    try {
      const agent: unknown = settings.agentOf(sessionKey);
      if (nameFault(agent) === undefined) return agent as string;
      containRejection(agent, (error) => journal.callbackFailed("agentOf", error, "rejected"));
      const fault = new Error(`agentOf gave no name for ${sessionKey}.`);
      journal.callbackFailed("agentOf", fault, "gave an invalid value");
    } catch (error) {
      journal.callbackFailed("agentOf", error);
    }
    return defaultAgentOf(sessionKey);
  };
  let pauses: Pauses | undefined = undefined;
  const supervisor: Supervisor = createSupervisor({
    runtime,
    settlements,
    chartHost: watchedHost,
    laneLogic: compileLogic<LaneContext, LaneEvent, LaneInput>(laneMachine, chartHost),
    agentOf,
    laneOptions: (sessionKey) => laneBook.lookUp(sessionKey),
    isSessionPaused: (sessionKey) => pauses!.isSessionPaused(sessionKey),
    isKeeperPaused: () => pauses!.isKeeperPaused,
    routeCompletion: (execId) => completions.release(execId),
    drained: () => shutdown.tell(),
    resetDone: (lane) => resets.done(lane),
    resetFailed: (sessionKey, error) => resets.failed(sessionKey, error),
    started(lane, { sessionKey, isExpiring }) {
      retention.noteSession();
      resets.started(lane);
      if (isExpiring) watchExpiring(sessionKey);
    },
  });
  const watchExpiring = (sessionKey: string): void =>
    runtime.look(
      () => mailboxes.waiting(sessionKey),
      (items) => {
        for (const item of items) expiries.watch(item);
      },
      () => deadlines.arm(expiringAgainMs, () => watchExpiring(sessionKey)),
    );
  pauses = createPauses(runtime, recordedPauses);
  const awaits = createAwaits(runtime);
  const doubts = createDoubts(runtime, supervisor);
  const expiries = createExpiries(runtime);
  const withdrawals = createWithdrawals(runtime, (key, mailbox) => supervisor.inform(key, mailbox));
  const wakes = createWakes(runtime, {
    due: (sessionKey) => supervisor.route(sessionKey, { type: "wake.due" }),
    raised(sessionKey) {
      const lane = supervisor.lanes.get(sessionKey);
      if (lane !== undefined) supervisor.tell(lane, { type: "wake.raised" });
    },
  });
  const heartbeats = createHeartbeats(runtime, {
    chartHost: watchedHost,
    route: (sessionKey, event) => supervisor.route(sessionKey, event),
    assertOpen: () => admission.assertOpen(),
  });
  const forgetting = createForgetting(runtime, supervisor);
  const retention = createRetention(runtime, forgetting);
  const admission = createAdmission(runtime, supervisor, retention, given.createId);
  const completions = createCompletions(runtime, {
    ended: (execId) => supervisor.send({ type: "execution.ended", execId }),
    accepted: (result, limits) => admission.accepted(result, limits),
    isClosing: () => supervisor.state === "closing",
  });
  const executions = createExecutions(runtime, completions);

  try {
    const happened = await through(recover(runtime, supervisor, executions));
    await through(heartbeats.start());
    // Whoever subscribes as soon as the keeper is there hears of all, and the host's turns know the keeper.
    const begin = (): void => {
      if (happened.length > 0) queue.post(tell, journal, happened);
      supervisor.coming.begin();
    };
    if (happened.length > 0 || !supervisor.coming.isEmpty) setImmediate(passages.enter(begin));
    else begin();
    if (mailboxes.known > 0) retention.used(settings.lane.dedupeMs);
  } catch (error) {
    deadlines.close();
    await through(giveBack(settings, through));
    throw error;
  }

  const setCapacity = (next: Capacity): void => {
    const { turns: previous } = capacity;
    capacity = next;
    runtime.dispatcher.resize(next);
    health.check();
    if (!journal.isObserved) return;
    journal.emit({ type: "capacity.changed", at: clock.now(), turns: next.turns, previous });
  };
  const parts: KeeperParts = {
    runtime,
    supervisor,
    admission,
    completions,
    executions,
    wakes,
    resets,
    pauses,
    shutdown,
    retention,
    health,
    forgetting,
    redrives: createRedrives(runtime, admission),
    setCapacity,
    agentOf,
    eventLoop: interposer?.isPlayback === true ? stillEventLoop : createEventLoopDelay(),
    letDie: interposer?.isPlayback === true ? () => {} : keepAlive(),
  };
  const keeper: Lanekeeper = new OpenLanekeeper(parts);
  // Where closing fails, whoever calls `close()` is told.
  closeItself = () => void keeper.close().catch(() => {});
  return interposer?.present(keeper) ?? keeper;
}

function tell(journal: Journal, happened: readonly LanekeeperEvent[]): void {
  if (journal.isObserved) for (const event of happened) journal.emit(event);
}
