import * as fc from "fast-check";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LaneSettings } from "../lanes/lane-options.ts";
import { createSimulatedClock, type SimulatedClock } from "../time/simulated-clock.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { type AnsweringStore, answeringStore } from "./answering-store.ts";
import { type Move, type Plan, type RaceScript, scriptsOf } from "./race-script.ts";
import { createRaceWitness, type RaceWitness } from "./race-witness.ts";

/**
 * Races in one session: what is done to it, the steps of its turns and the answers of its store come in the order that a
 * scheduler chooses. Steps of the store happen in the order in which they are asked for.
 */

/** Runs a thousand races of two to eight such moves, and tells of one that breaks a rule, if there is any. */
export async function findUnfairRace(
  move: fc.Arbitrary<Move>,
  lane: fc.Arbitrary<LaneSettings> = fc.constant({}),
): Promise<string | undefined> {
  let track = await openTrack();
  const property = fc.asyncProperty(fc.scheduler(), scriptsOf(move, lane), async (scheduler, script) => {
    const faults = await track.run(scheduler, script);
    if (faults.length === 0) return;
    // What broke a rule once may break the next race, too.
    track = await openTrack();
    throw new Error(faults.join("; "));
  });
  const report = await fc.check(property, { numRuns: 1_000 });
  await track.keeper.close();
  return fc.asyncDefaultReportMessage(report);
}

/** A keeper in which races are run, each in a session of its own. */
interface Track {
  readonly keeper: Lanekeeper;
  /** Runs one race to its end, and says what broke a rule. */
  run(scheduler: fc.Scheduler, script: RaceScript): Promise<readonly string[]>;
}

/** Deadlines short enough that everything is over soon. */
const lane: LaneSettings = {
  debounceMs: 100,
  debounceMaxMs: 300,
  stallAfterMs: 400,
  reclaimAfterMs: 800,
  turnTimeoutMs: 2_000,
  abortGraceMs: 100,
  retry: { attempts: 2, baseMs: 100, maxMs: 100 },
  passivateAfterMs: 100,
};
const silent = { debug: () => {}, info: () => {}, warn: () => {} };
/** Milliseconds in which a session with a few messages is at rest, whatever its turns do. */
const longMs = 60_000;

async function openTrack(): Promise<Track> {
  const clock = createSimulatedClock();
  const store = answeringStore();
  const races = new Map<string, Race>();
  const keeper = await createLanekeeper({
    clock,
    store,
    random: () => 0.5,
    capacity: { turns: 1 },
    lane,
    laneFor: (sessionKey) => races.get(sessionKey)?.script.lane,
    logger: { ...silent, error: (_, message) => [...races.values()].at(-1)!.witness.fault(message) },
    turn: (turn) => races.get(turn.sessionKey)!.play(turn),
  });
  keeper.events$.subscribe((event) => {
    if ("sessionKey" in event && event.sessionKey !== undefined)
      races.get(event.sessionKey)?.witness.event(event);
  });
  return {
    keeper,
    async run(scheduler, script) {
      const race = new Race(keeper, clock, scheduler, script, `race ${races.size}`);
      races.set(race.sessionKey, race);
      return race.run(store);
    },
  };
}

class Race {
  readonly sessionKey: string;
  readonly script: RaceScript;
  readonly witness: RaceWitness = createRaceWitness();
  readonly #keeper: Lanekeeper;
  readonly #clock: SimulatedClock;
  readonly #scheduler: fc.Scheduler;
  readonly #receipts: Receipt[] = [];
  #turns = 0;
  #answers = 0;

  constructor(
    keeper: Lanekeeper,
    clock: SimulatedClock,
    scheduler: fc.Scheduler,
    script: RaceScript,
    sessionKey: string,
  ) {
    this.#keeper = keeper;
    this.#clock = clock;
    this.#scheduler = scheduler;
    this.script = script;
    this.sessionKey = sessionKey;
  }

  async run(store: AnsweringStore): Promise<readonly string[]> {
    const { answers, moves } = this.script;
    store.answerBy(async (step, answer) => {
      await this.#scheduled(step, answers[this.#answers++ % answers.length]);
      return answer;
    });
    let unanswered = moves.length;
    for (const [index, { move, putOff }] of moves.entries()) {
      void this.#scheduled(move.do, putOff)
        .then(() => this.#make(move, `${index}`))
        .catch(() => {})
        .then(() => unanswered--);
    }
    await this.#drain();
    void this.#keeper.resume(this.sessionKey);
    await this.#rest();
    store.answerBy(undefined);
    if (unanswered > 0) this.witness.fault(`B33 ${unanswered} calls have no answer`);
    await this.#lookBack();
    return this.witness.faults();
  }

  /** What the host's code does in a turn. */
  async play(turn: Turn): Promise<string> {
    const { plans } = this.script;
    const { takes, end, obeys } = plans[this.#turns++ % plans.length] as Plan;
    this.witness.started(turn);
    const take = (): void => this.witness.took(turn, turn.takeSteering());
    for (let step = 0; step < takes; step++) {
      await this.#scheduled("a turn goes on");
      take();
    }
    const stopped = new Promise<never>((_, reject) => {
      if (obeys) turn.signal.addEventListener("abort", () => reject(turn.signal.reason as Error));
    });
    await (end === "hang" ? stopped : Promise.race([stopped, this.#scheduled("a turn ends")]));
    take();
    if (end === "reject") throw new Error("the turn failed");
    return "ok";
  }

  /** Waits for the scheduler, which puts it off so often besides. */
  async #scheduled(label: string, putOff = 0): Promise<void> {
    for (let time = 0; time <= putOff; time++) await this.#scheduler.schedule(Promise.resolve(), label);
  }

  /** Lets everything scheduled happen. */
  async #drain(): Promise<void> {
    do {
      while (this.#scheduler.count() > 0) await this.#scheduler.waitOne();
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#scheduler.count() > 0);
  }

  /** Lets time pass until the session is at rest. */
  async #rest(): Promise<void> {
    const end = this.#clock.monotonic() + longMs;
    await this.#drain();
    while (this.#clock.monotonic() < end && !this.#isAtRest) {
      await this.#clock.advance(this.#clock.nextTimerInMs() ?? 1);
      await this.#drain();
    }
  }

  get #isAtRest(): boolean {
    const { blockedBy, facts } = this.#keeper.explain(this.sessionKey);
    return blockedBy === "nothing-to-do" && facts["wakeInMs"] === undefined;
  }

  /** Tells the witness how everything ended. */
  async #lookBack(): Promise<void> {
    const { witness, sessionKey } = this;
    for (const { id, outcome } of this.#receipts) {
      witness.ended(id, undefined);
      void outcome.then((ended) => witness.ended(id, ended));
    }
    for (const { items } of await this.#keeper.deadLetters({ sessionKey })) witness.buried(items[0]!.id);
    await this.#clock.settle();
    const { running, waiting } = this.#keeper.stats();
    if (running + waiting > 0) witness.fault(`B26 in the end ${running} run and ${waiting} wait`);
    if (!this.#isAtRest) witness.fault(`B60 in the end: ${this.#keeper.explain(sessionKey).sentence}`);
  }

  async #make(move: Move, id: string): Promise<unknown> {
    const { sessionKey } = this;
    const keeper = this.#keeper;
    switch (move.do) {
      case "send":
        this.witness.sent(id, move.mode);
        return this.#receipts.push(
          await keeper.send(sessionKey, id, { id, mode: move.mode, expiresInMs: move.expiresInMs }),
        );
      case "notify":
        return this.#receipts.push(await keeper.notify(sessionKey, { kind: "note" }, { id }));
      case "report": {
        const execId = `${sessionKey} ${id}`;
        const result = await keeper.reportExec({ execId, sessionKey, exitCode: 0 });
        return result.routed ? this.#receipts.push(result.receipt) : undefined;
      }
      case "cancel":
        return this.#receipts.at(-1 - move.before)?.cancel();
      case "advance":
        // Nobody waits for the time to have passed: whatever the scheduler chooses happens meanwhile.
        return void this.#clock.advance(move.ms);
      case "wake":
        this.witness.woken();
        return keeper.wake(sessionKey, { coalesceMs: 0 });
      case "abort":
      case "reset":
      case "clear":
      case "pause":
      case "resume":
        return keeper[move.do](sessionKey);
    }
  }
}
