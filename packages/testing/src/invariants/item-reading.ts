import { type CallStory, member } from "./call-story.ts";
import { endOfItem, type ItemEnd, type ItemStory } from "./item-story.ts";
import type { Step, StepOf, Told } from "./step.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** The calls and turns of one recording. */
interface LifeStories {
  readonly steps: readonly Step[];
  readonly calls: ReadonlyMap<number, CallStory>;
  readonly turns: ReadonlyMap<string, TurnStory>;
}

/**
 * Follows every item through the recordings, in order.
 *
 * I1. An item whose acceptance was not seen is one all the same: nothing is concluded of what was before.
 * I2. An answer that comes late is no second acceptance: an item may be shown to a turn before its sender knows of it.
 */
export function readItems(lives: readonly LifeStories[]): {
  readonly items: readonly ItemStory[];
  /** The items that calls brought, or found. */
  readonly ofCall: ReadonlyMap<CallStory, ItemStory>;
  /** Whether a call may have put something back from a dead letter, and nobody knows what. */
  readonly hasLostRedrives: boolean;
} {
  const reader = new ItemReader();
  for (const life of lives) reader.read(life);
  reader.markTangled();
  return reader;
}

/** Calls that bring items. */
const bringing: ReadonlySet<string> = new Set(["send", "notify", "redrive"]);

class ItemReader {
  readonly items: ItemStory[] = [];
  /** The latest item of each name. */
  readonly #latest = new Map<string, ItemStory>();
  /** Calls whose item has not been seen, by session and id. */
  #pending = new Map<string, CallStory[]>();
  readonly ofCall = new Map<CallStory, ItemStory>();
  /** Names of what earlier keepers were asked for, and were not seen to have. */
  readonly #lost = new Set<string>();
  hasLostRedrives = false;
  /** What was told to be put back, and is about to be told as accepted. */
  readonly #redriven = new Set<string>();

  read({ steps, calls, turns }: LifeStories): void {
    // What another keeper was asked for and not known to have: it may turn up all the same.
    for (const [name, waiting] of this.#pending) if (waiting.length > 0) this.#lost.add(name);
    this.#pending = new Map();
    const shown = new Set<string>();
    const show = (turn: TurnStory, step: Step): void => {
      if (shown.has(turn.id)) return;
      shown.add(turn.id);
      this.#show(turn, step);
    };
    for (const step of steps) {
      const { entry } = step;
      // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is not needed is not read
      switch (entry.type) {
        case "call":
          this.#noteCall(calls.get(entry.call)!);
          break;
        case "turn":
          show(turns.get(entry.turnId)!, step);
          break;
        case "turn.did": {
          const turn = turns.get(entry.turnId);
          if (entry.what === "takeSteering" && turn !== undefined) this.#take(turn, step, entry.got);
          break;
        }
        case "answer": {
          const call = calls.get(entry.call);
          if (call?.method === "attach") this.#noteAttached(call, entry.value);
          break;
        }
        case "outcome": {
          const call = calls.get(entry.call);
          const item = (call && this.ofCall.get(call)) ?? this.#find(entry.sessionKey, entry.id);
          item?.outcomes.push(step as StepOf<"outcome">);
          break;
        }
        case "event":
          if (entry.event.type === "turn.started") show(turns.get(entry.event.turnId)!, step);
          else this.#noteEvent({ step: step as StepOf<"event">, event: entry.event });
          break;
        default:
          break;
      }
    }
  }

  /** Marks what cannot be told apart from another of its name, seen or not. */
  markTangled(): void {
    for (const [name, waiting] of this.#pending) if (waiting.length > 0) this.#lost.add(name);
    const byName = new Map<string, ItemStory[]>();
    for (const item of this.items) {
      const name = nameOf(item.sessionKey, item.id);
      const key = item.isCompletion ? `exec ${name}` : name;
      const list = byName.get(key) ?? [];
      byName.set(key, list);
      list.push(item);
    }
    for (const [name, items] of byName) {
      const isClear = items.every((item, index) => index === 0 || isOverBefore(items[index - 1]!, item));
      if (!isClear || this.#lost.has(name)) for (const item of items) item.isTangled = true;
    }
  }

  #noteCall(call: CallStory): void {
    if (!bringing.has(call.method) || (call.refusal && call.refusal.entry.code !== "STORE_UNAVAILABLE"))
      return;
    const name = nameOfCall(call);
    if (call.method === "redrive" && call.answer === undefined) this.hasLostRedrives = true;
    if (name === undefined) return;
    const list = this.#pending.get(name) ?? [];
    this.#pending.set(name, list);
    list.push(call);
  }

  #noteAttached(call: CallStory, value: unknown): void {
    const sessionKey = member(value, "sessionKey");
    const id = member(value, "id");
    if (typeof sessionKey !== "string" || typeof id !== "string") return;
    this.ofCall.set(call, this.#original(call.answer!, sessionKey, id, call));
  }

  #noteEvent(told: Told): void {
    const { event } = told;
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- what is not needed is not read
    switch (event.type) {
      case "deadLetter.redriven":
        this.#redriven.add(nameOf(event.sessionKey, event.itemId));
        break;
      case "message.accepted":
      case "event.accepted":
        this.#accept(told as Told<"message.accepted">);
        break;
      case "message.duplicate":
      case "event.duplicate": {
        const call = this.#takePending(nameOf(event.sessionKey, event.id), told.step, () => true);
        const item = this.#original(told.step, event.sessionKey, event.id, call);
        if (call !== undefined) this.ofCall.set(call, item);
        break;
      }
      case "message.cancelled":
      case "event.cancelled":
      case "message.dropped":
      case "event.dropped":
      case "event.replaced":
        this.#about(told.step, event.sessionKey, event.id)?.ends.push(told as ItemEnd);
        break;
      case "turn.completed":
        for (const id of [...event.messageIds, ...event.eventIds])
          this.#find(event.sessionKey, id, event.turnId)?.completed.push(told as Told<"turn.completed">);
        break;
      default:
        break;
    }
  }

  #accept(told: Told<"message.accepted"> | Told<"event.accepted">): void {
    const { event } = told;
    const { sessionKey, id } = event;
    const name = nameOf(sessionKey, id);
    const isRedriven = this.#redriven.delete(name);
    const isCompletion = event.type === "event.accepted" && event.kind === completedKind;
    const key = isCompletion ? `exec ${name}` : name;
    const known = this.#latest.get(key);
    const fits = (one: CallStory): boolean => isRedriven === (one.method === "redrive");
    // A turn was shown it before its sender's answer came, next to which this is told. A completion is accepted once.
    const ofOther = this.#nearest(name, told.step, fits);
    const isKnown =
      isCompletion ||
      (known?.call === undefined
        ? ofOther?.answer === undefined && known?.life === told.step.life && endOfItem(known) === undefined
        : isNearer(known.call, ofOther, told.step));
    if (known !== undefined && isKnown && known.accepted === undefined && known.isRedriven === isRedriven) {
      known.accepted = told;
      return;
    }
    const call = this.#takePending(name, told.step, fits);
    const item = this.#create(told.step, sessionKey, id, isCompletion);
    item.accepted = told;
    item.isRedriven = isRedriven;
    this.#bring(item, call);
  }

  #show(turn: TurnStory, step: Step): void {
    const { called, started, sessionKey } = turn;
    const messageIds = called?.entry.messages.map(({ id }) => id) ?? started!.event.messageIds;
    const events: readonly { readonly id: string; readonly kind?: string }[] =
      called?.entry.events ?? started!.event.eventIds.map((id) => ({ id }));
    for (const id of messageIds) turn.messages.push(this.#held(turn, step, sessionKey, id, false));
    for (const { id, kind } of events) {
      const isCompletion = kind === undefined ? this.#isCompletion(sessionKey, id) : kind === completedKind;
      turn.events.push(this.#held(turn, step, sessionKey, id, isCompletion));
    }
  }

  #held(turn: TurnStory, step: Step, sessionKey: string, id: string, isCompletion: boolean): ItemStory {
    const item = this.#current(step, sessionKey, id, isCompletion);
    item.held.push(turn);
    return item;
  }

  #take(turn: TurnStory, step: Step, got: unknown): void {
    if (!Array.isArray(got)) return;
    for (const message of got as unknown[]) {
      const id = member(message, "id");
      if (typeof id !== "string") continue;
      const item = this.#current(step, turn.sessionKey, id, false);
      turn.taken.push({ item, step });
      item.takenBy.push(turn);
    }
  }

  /** The item that a turn is shown: the latest of its name, unless that has ended and another is on its way. */
  #current(step: Step, sessionKey: string, id: string, isCompletion: boolean): ItemStory {
    const name = nameOf(sessionKey, id);
    const known = this.#latest.get(isCompletion ? `exec ${name}` : name);
    // What is being put back had ended, though its end may not have been told: its keeper died.
    let call = this.#takePending(name, step, ({ method }) => method === "redrive");
    if (call === undefined) {
      if (known !== undefined && endOfItem(known) === undefined) return known;
      // Of two calls with one id, neither answered, nobody knows which brought it.
      if ((this.#pending.get(name)?.length ?? 0) > 1) this.#lost.add(name);
      call = isCompletion ? undefined : this.#takePending(name, step, () => true);
      const isLost = this.#lost.has(name) || this.hasLostRedrives;
      if (known !== undefined && call === undefined && !isLost) return known;
    }
    const item = this.#create(step, sessionKey, id, isCompletion);
    item.isRedriven = call === undefined ? known !== undefined : call.method === "redrive";
    this.#bring(item, call);
    return item;
  }

  #create({ life }: Step, sessionKey: string, id: string, isCompletion: boolean): ItemStory {
    const item: ItemStory = {
      sessionKey,
      id,
      life,
      isCompletion,
      call: undefined,
      accepted: undefined,
      isRedriven: false,
      isTangled: false,
      held: [],
      takenBy: [],
      completed: [],
      ends: [],
      outcomes: [],
    };
    const name = nameOf(sessionKey, id);
    this.#latest.set(isCompletion ? `exec ${name}` : name, item);
    this.items.push(item);
    return item;
  }

  #bring(item: ItemStory, call: CallStory | undefined): void {
    if (call === undefined) return;
    item.call = call;
    this.ofCall.set(call, item);
  }

  /** The call that a step tells of: of several with the same id the one whose answer is next to it. */
  #takePending(name: string, step: Step, fits: (call: CallStory) => boolean): CallStory | undefined {
    const calls = this.#pending.get(name) ?? [];
    const nearest = this.#nearest(name, step, fits);
    if (nearest !== undefined) calls.splice(calls.indexOf(nearest), 1);
    return nearest;
  }
  #nearest(name: string, step: Step, fits: (call: CallStory) => boolean): CallStory | undefined {
    let nearest: CallStory | undefined;
    for (const call of this.#pending.get(name) ?? [])
      if (fits(call) && (nearest === undefined || distanceOf(call, step) < distanceOf(nearest, step)))
        nearest = call;
    return nearest;
  }

  /** What a call brought a duplicate of: that may be known to its own sender only later, or to nobody. */
  #original(step: Step, sessionKey: string, id: string, call: CallStory | undefined): ItemStory {
    const known = this.#find(sessionKey, id);
    if (known !== undefined && isSameWork(known, call)) return known;
    const acceptedAt = acceptedAtOf(call);
    const same = this.items.findLast(
      (item) => item.sessionKey === sessionKey && item.id === id && acceptedAtOf(item.call) === acceptedAt,
    );
    if (same !== undefined && acceptedAt !== undefined) return same;
    const name = nameOf(sessionKey, id);
    const isOther = acceptedAt !== undefined && acceptedAtOf(known?.call) !== undefined;
    if (known !== undefined && !isOther) {
      // It may be what is known, or what was asked for since.
      this.#lost.add(name);
      return known;
    }
    const other = this.#takePending(name, step, () => true);
    const item = this.#create(step, sessionKey, id, false);
    this.#bring(item, other);
    return item;
  }

  #isCompletion(sessionKey: string, id: string): boolean {
    const name = nameOf(sessionKey, id);
    return !this.#latest.has(name) && this.#latest.has(`exec ${name}`);
  }

  /** The item that an event is about: its sender may not know yet that it was accepted. */
  #about(step: Step, sessionKey: string, id: string): ItemStory | undefined {
    const known = this.#find(sessionKey, id);
    const name = nameOf(sessionKey, id);
    // A keeper tells how its work ended before what it was put back as ends.
    const isUntold = known !== undefined && known.ends.length + known.completed.length === 0;
    const isOwn = known?.life === step.life || known?.held.some(({ life }) => life === step.life) === true;
    if (isUntold && isOwn) return known;
    // What is being put back had ended, though that may not have been told.
    let call = this.#takePending(name, step, ({ method }) => method === "redrive");
    if (call === undefined) {
      if (isUntold) return known;
      call = this.#takePending(name, step, () => true);
    }
    if (call === undefined) return known;
    const item = this.#create(step, sessionKey, id, false);
    item.isRedriven = call.method === "redrive";
    this.#bring(item, call);
    return item;
  }

  /** The item that an event names: the one that a turn held, where it is a turn's; else the one that has not ended. */
  #find(sessionKey: string, id: string, turnId?: string): ItemStory | undefined {
    const name = nameOf(sessionKey, id);
    const both = [this.#latest.get(name), this.#latest.get(`exec ${name}`)].filter(
      (item) => item !== undefined,
    );
    const isHeld = ({ held, takenBy }: ItemStory): boolean =>
      [...held, ...takenBy].some((turn) => turn.id === turnId);
    if (turnId !== undefined) return both.find(isHeld) ?? both[0];
    return both.find((item) => endOfItem(item) === undefined) ?? both[0];
  }
}

/** Whether an item had ended, and all of that had been told, before anything was heard of another. */
function isOverBefore({ call, accepted, ends, completed, outcomes }: ItemStory, next: ItemStory): boolean {
  const [outcome] = outcomes.filter(({ entry }) => entry.outcome.status !== "suspended");
  if (outcome === undefined && ends.length + completed.length === 0) return false;
  const told = [
    call?.answer,
    accepted?.step,
    outcome,
    ...ends.map(({ step }) => step),
    ...completed.map(({ step }) => step),
  ];
  const last = Math.max(...told.map((step) => step?.order ?? -1));
  const [turn] = [...next.held, ...next.takenBy];
  const first = [next.call?.step, next.accepted?.step, turn && startOf(turn), next.ends[0]?.step];
  return first.every((step) => step === undefined || step.order > last);
}

/** How far a call's answer is from a step; infinitely without one. */
function distanceOf({ answer }: CallStory, { order }: Step): number {
  return Math.abs((answer?.order ?? Infinity) - order);
}

/** Whether a step is told next to the answer of a call, rather than to that of another. */
function isNearer(call: CallStory, other: CallStory | undefined, step: Step): boolean {
  if (call.life !== step.life || call.answer === undefined) return false;
  return other === undefined || distanceOf(call, step) <= distanceOf(other, step);
}

/** When the work was accepted whose receipt a call was answered with, by the store. */
function acceptedAtOf(call: CallStory | undefined): unknown {
  return member(call?.answer?.entry.value, "acceptedAt");
}

/** Whether a call was answered with the receipt of an item, as far as is known: by when that was accepted. */
function isSameWork(item: ItemStory, call: CallStory | undefined): boolean {
  const one = acceptedAtOf(item.call);
  const two = acceptedAtOf(call);
  return one === undefined || two === undefined ? endOfItem(item) === undefined : one === two;
}

/** The kind of a command's completion. */
const completedKind = "exec.completed";

function nameOf(sessionKey: string, id: string): string {
  return JSON.stringify([sessionKey, id]);
}

/** Session and id of what a call brought: as it was answered, or as it was asked. */
function nameOfCall({ method, args, answer }: CallStory): string | undefined {
  const value = answer?.entry.value;
  const id = member(value, "id") ?? (method === "redrive" ? undefined : member(args[2], "id"));
  const sessionKey = member(value, "sessionKey") ?? (method === "redrive" ? undefined : args[0]);
  return typeof id === "string" && typeof sessionKey === "string" ? nameOf(sessionKey, id) : undefined;
}
