import type { LaneOptions } from "lanekeeper";
import type { Recording } from "lanekeeper/recording";
import { type CallStory, readCalls } from "./call-story.ts";
import { readItems } from "./item-reading.ts";
import type { ItemStory } from "./item-story.ts";
import { laneOptionsOf } from "./lane-settings.ts";
import { type LaneStay, readStays, stayAt, stayCount } from "./lane-stay.ts";
import type { Tolerance } from "./keeper-time.ts";
import { type Life, readLife } from "./life.ts";
import { countBefore, type Step, type StepOf } from "./step.ts";
import { readTurns, startOf, type TurnStory } from "./turn-story.ts";

/**
 * Recordings of keepers that had one store after each other, read once and indexed for all invariants.
 *
 * Must not know: the runtime. What it says is what the host was told.
 * I1. Orders run through all recordings; instants are each keeper's own and are compared only within one.
 */
export class RecordingView {
  readonly lives: readonly LifeView[];
  /** In the order in which they were seen first; without those that cannot be told apart from others. */
  readonly items: readonly ItemStory[];
  /** Whether a call may have put something back from a dead letter, and nobody knows what. */
  readonly hasLostRedrives: boolean;
  /** Over all recordings, in the order of their starts. */
  readonly turns: readonly TurnStory[];
  readonly #all: readonly ItemStory[];
  readonly #itemOfCall: ReadonlyMap<CallStory, ItemStory>;
  readonly #turnsOf = new Map<string, TurnStory[]>();
  readonly #itemsOf = new Map<string, ItemStory[]>();

  constructor(recordings: readonly Recording[], tolerance: Tolerance) {
    let firstOrder = 0;
    const lives: LifeView[] = [];
    for (const [number, recording] of recordings.entries()) {
      const life = readLife(recording, number, firstOrder, tolerance);
      const calls = readCalls(life);
      const stays = readStays(life);
      const turns = readTurns(life, (sessionKey) => stays.get(sessionKey) ?? []);
      lives.push(new LifeView(life, calls, stays, turns));
      firstOrder += recording.entries.length;
    }
    this.lives = lives;
    const { items, ofCall, hasLostRedrives } = readItems(lives);
    this.#all = items;
    this.items = items.filter(({ isTangled }) => !isTangled);
    this.hasLostRedrives = hasLostRedrives;
    this.#itemOfCall = ofCall;
    this.turns = lives.flatMap(({ turns }) => [...turns.values()]);
    for (const turn of this.turns) group(this.#turnsOf, turn.sessionKey, turn);
    for (const item of this.#all) group(this.#itemsOf, item.sessionKey, item);
  }

  /** Sessions of which anything was seen. */
  get sessions(): readonly string[] {
    return [...new Set([...this.#turnsOf.keys(), ...this.#itemsOf.keys()])];
  }
  /** The turns of one session, in the order of their starts. */
  turnsOf(sessionKey: string): readonly TurnStory[] {
    return this.#turnsOf.get(sessionKey) ?? [];
  }
  /** The turns of one session that started after a step. */
  *turnsFrom(sessionKey: string, { order }: Pick<Step, "order">): Iterable<TurnStory> {
    const turns = this.turnsOf(sessionKey);
    for (let index = countBefore(turns, startOrder, order); index < turns.length; index++)
      yield turns[index]!;
  }
  /** The item that a call brought, or found. */
  itemOf(call: CallStory): ItemStory | undefined {
    return this.#itemOfCall.get(call);
  }
  /** The items of one session, tangled ones included. */
  itemsOf(sessionKey: string): readonly ItemStory[] {
    return this.#itemsOf.get(sessionKey) ?? [];
  }
}

/** One recording with its indexes. */
export class LifeView {
  readonly life: Life;
  readonly steps: readonly Step[];
  /** Calls by their number. */
  readonly calls: ReadonlyMap<number, CallStory>;
  /** Turns by their id. */
  readonly turns: ReadonlyMap<string, TurnStory>;
  /** When the work of each call of `locks.using` began, and when it was over. */
  readonly works: ReadonlyMap<number, StepOf<"work">>;
  readonly worksOver: ReadonlyMap<number, Step>;
  readonly #turnsOf = new Map<string, TurnStory[]>();
  readonly #callsOf = new Map<string, readonly CallStory[]>();
  readonly #lanes = new Map<string, LaneOptions>();
  readonly #stays: ReadonlyMap<string, readonly LaneStay[]>;

  constructor(
    life: Life,
    calls: ReadonlyMap<number, CallStory>,
    stays: ReadonlyMap<string, readonly LaneStay[]>,
    turns: ReadonlyMap<string, TurnStory>,
  ) {
    this.life = life;
    this.steps = life.steps;
    this.calls = calls;
    this.#stays = stays;
    this.turns = turns;
    for (const turn of turns.values()) group(this.#turnsOf, turn.sessionKey, turn);
    const works = new Map<number, StepOf<"work">>();
    const over = new Map<number, Step>();
    for (const step of life.steps) {
      if (step.entry.type === "work") works.set(step.entry.call, step as StepOf<"work">);
      else if (step.entry.type === "work.returned" || step.entry.type === "work.threw")
        over.set(step.entry.call, step);
    }
    this.works = works;
    this.worksOver = over;
  }

  /** The settings of a session's lane; undefined where `laneFor` did not always give the same. */
  laneOf(sessionKey: string): LaneOptions {
    let options = this.#lanes.get(sessionKey);
    if (options === undefined) {
      const { laneSettings, ownSettings } = this.life;
      this.#lanes.set(sessionKey, (options = laneOptionsOf(laneSettings, ownSettings.get(sessionKey)?.[0])));
    }
    return options;
  }
  /** Sessions whose lane moved. */
  get sessions(): Iterable<string> {
    return this.#stays.keys();
  }
  /** The states that a session's lane was in, in order. */
  staysOf(sessionKey: string): readonly LaneStay[] {
    return this.#stays.get(sessionKey) ?? [];
  }
  /** The state that a session's lane was in at a step, by the last that was told before; undefined where none was. */
  stayAt(sessionKey: string, { order }: Pick<Step, "order">): LaneStay | undefined {
    return stayAt(this.staysOf(sessionKey), order);
  }
  /** The states of a session's lane that began after a step. */
  *staysFrom(sessionKey: string, { order }: Pick<Step, "order">): Iterable<LaneStay> {
    const stays = this.staysOf(sessionKey);
    for (let index = stayCount(stays, order); index < stays.length; index++) yield stays[index]!;
  }
  /**
   * The states that a session's lane was in at the instant of a step, by all that was told of it then: what is told of a step
   * of the runtime comes when that is over.
   */
  detailsAround(sessionKey: string, { at, order }: Step): readonly string[] {
    const stays = this.staysOf(sessionKey);
    const details: string[] = [];
    const count = stayCount(stays, order);
    for (let index = count - 1; index >= 0; index--) {
      details.push(stays[index]!.detail);
      if (stays[index]!.from.step.at < at) break;
    }
    const first = stays[0];
    if (details.length === count && first !== undefined) details.push(first.from.event.previous.detail);
    for (let index = count; index < stays.length && stays[index]!.from.step.at <= at; index++)
      details.push(stays[index]!.detail);
    return details;
  }
  /** The first step more than so many milliseconds after another. */
  firstAfter({ at, index }: Step, ms: number): Step | undefined {
    const { steps } = this;
    let next = index + 1;
    while (next < steps.length && steps[next]!.at <= at + ms) next++;
    return steps[next];
  }
  /** The first step that may have been at the instant of another. */
  firstAround({ at }: Step): Step {
    const { steps } = this;
    return steps[countBefore(steps, (step) => (this.life.time.isBefore(step.at, at) ? 0 : 1), 1)]!;
  }
  /** The last turn of a session that started before an order. */
  lastTurnOf(sessionKey: string, order: number): TurnStory | undefined {
    const turns = this.#turnsOf.get(sessionKey) ?? [];
    return turns[countBefore(turns, startOrder, order) - 1];
  }
  /** The calls of these methods, in order. */
  callsOf(...methods: readonly string[]): readonly CallStory[] {
    const key = methods.join();
    let calls = this.#callsOf.get(key);
    if (calls === undefined) {
      calls = [...this.calls.values()].filter(({ method }) => methods.includes(method));
      this.#callsOf.set(key, calls);
    }
    return calls;
  }
}

function startOrder(turn: TurnStory): number {
  return startOf(turn).order;
}

function group<T>(groups: Map<string, T[]>, key: string, one: T): void {
  const list = groups.get(key);
  if (list === undefined) groups.set(key, [one]);
  else list.push(one);
}
