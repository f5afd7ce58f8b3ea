import { member } from "./call-story.ts";
import { acceptanceOf, endOfItem, isMessage, type ItemStory } from "./item-story.ts";
import type { LaneStay } from "./lane-stay.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { readSlots } from "./slot-use.ts";
import { countBefore } from "./step.ts";
import type { TurnStory } from "./turn-story.ts";

/** A lane's waiting for a slot, and what the host knows of how urgent it was. Ranks: 0 background, 1 normal, 2 foreground. */
export interface Claim {
  readonly sessionKey: string;
  readonly stay: LaneStay;
  /** When it had its slot; undefined where it got none. */
  readonly granted: LaneStay | undefined;
  /** Of its session's turns; undefined where none was seen. */
  readonly agent: string | undefined;
  /** Its rank was this at least all the while, but for what waiting raised. */
  readonly least: number;
  /** And this at most. */
  readonly most: number;
  /** Whether another's agent was surely given its last slot before this one's agent was: so it was that one's turn (B15). */
  goesAfterAgentOf(passed: Claim): boolean;
}

/** A slot that an agent was given, or may have been. */
interface Given {
  /** When that was told. */
  readonly order: number;
  /** Not before this its agent was given it, or one that was told earlier. */
  notBefore: number;
}

/** Of so many agents it is remembered when they were given a slot last. */
const rememberedAgents = 10_000;
const ranks: Readonly<Record<string, number>> = { background: 0, normal: 1, foreground: 2 };
const unknownRank = ranks["foreground"]!;

/** The claims of a keeper's lanes, in the order in which they were made. */
export function readClaims(view: RecordingView, life: LifeView): readonly Claim[] {
  let claims = readBefore.get(life);
  if (claims === undefined) readBefore.set(life, (claims = read(view, life)));
  return claims;
}

const readBefore = new WeakMap<LifeView, readonly Claim[]>();

function read(view: RecordingView, life: LifeView): readonly Claim[] {
  const agents = new Map<string, string>();
  const turnOfStay = new Map<LaneStay, TurnStory>();
  for (const turn of life.turns.values()) {
    if (turn.agent !== undefined) agents.set(turn.sessionKey, turn.agent);
    if (turn.asked !== undefined) turnOfStay.set(turn.asked, turn);
  }
  const known = new Set(agents.values());
  const slots = readSlots(life);
  const given = new Map<string, Given[]>();
  const own = new Map<string, Given[]>();
  const lastOf = (
    lists: ReadonlyMap<string, readonly Given[]>,
    agent: string | undefined,
    before: number,
  ) => {
    const list = (agent === undefined ? undefined : lists.get(agent)) ?? [];
    return list[countBefore(list, ({ order }) => order, before) - 1];
  };
  const claims: Claim[] = [];
  for (const sessionKey of life.sessions) {
    const agent = agents.get(sessionKey);
    const stays = life.staysOf(sessionKey);
    for (const [index, stay] of stays.entries()) {
      if (stay.detail !== "busy.waitingForCapacity") continue;
      const next = stays[index + 1];
      const granted = next?.detail === "busy.opening" ? next : undefined;
      // One that is given up may have been granted just before. A session whose agent is not known may be any agent's.
      const over = stay.until?.step.order;
      if (over !== undefined)
        for (const one of agent === undefined ? known : [agent])
          add(given, one, { order: over, notBefore: 0 });
      if (granted !== undefined && agent !== undefined && !slots.hasLoans(stay.from.step.order, over!))
        add(own, agent, {
          order: over!,
          notBefore: Math.max(stay.from.step.order, life.firstAround(granted.from.step).order),
        });
      const until = granted?.from.step.order ?? stay.from.step.order;
      claims.push({
        sessionKey,
        stay,
        granted,
        agent,
        get least() {
          return leastRank(turnOfStay.get(stay), stay);
        },
        get most() {
          return mostRank(view, life, stay);
        },
        goesAfterAgentOf(passed) {
          const notBefore = lastOf(own, agent, until)?.notBefore;
          if (notBefore === undefined) return false;
          // One that is not remembered counts as given a slot when it comes.
          const isRemembered =
            known.size <= rememberedAgents && lastOf(own, passed.agent, until) !== undefined;
          const came = isRemembered ? 0 : passed.stay.from.step.order;
          return notBefore > Math.max(came, lastOf(given, passed.agent, until)?.order ?? 0);
        },
      });
    }
  }
  for (const list of [...given.values(), ...own.values()]) list.sort((a, b) => a.order - b.order);
  for (const list of own.values()) {
    let notBefore = 0;
    for (const one of list) one.notBefore = notBefore = Math.max(notBefore, one.notBefore);
  }
  return claims.toSorted((a, b) => a.stay.from.step.order - b.stay.from.step.order);
}

function add(lists: Map<string, Given[]>, agent: string, given: Given): void {
  const list = lists.get(agent);
  if (list === undefined) lists.set(agent, [given]);
  else list.push(given);
}

/** By what its turn held in the end and starts turns by itself, of that which was there when it began to wait. */
function leastRank(turn: TurnStory | undefined, { from }: LaneStay): number {
  const held = [...(turn?.messages ?? []), ...(turn?.events ?? [])];
  const waited = held.filter(
    (item) => startsTurns(item) && item.accepted !== undefined && item.accepted.step.order < from.step.order,
  );
  return Math.max(0, ...waited.map((item) => rankOf(item) ?? 0));
}

/** Completions may have to wait for their time (B39). */
function startsTurns(item: ItemStory): boolean {
  if (isMessage(item) === true) return true;
  return item.call?.method === "notify" && member(item.call.args[2], "wake") !== false;
}

/** By everything of its session that may have waited before it had its slot. */
function mostRank(view: RecordingView, life: LifeView, { sessionKey, from, until }: LaneStay): number {
  const end = until?.step.order ?? Infinity;
  let most = 0;
  for (const item of view.itemsOf(sessionKey)) {
    if (item.isTangled) return unknownRank;
    if ((acceptanceOf(item)?.from ?? -1) > end) continue;
    if ((endOfItem(item)?.order ?? Infinity) < from.step.order) continue;
    most = Math.max(most, rankOf(item) ?? unknownRank);
  }
  if (isTriedAgain(life, sessionKey, end)) most = Math.max(most, ranks["normal"]!);
  for (const { step, args } of life.callsOf("wake")) {
    if (args[0] !== sessionKey || step.order > end) continue;
    most = Math.max(most, ranks[String(member(args[1], "priority"))] ?? ranks["normal"]!);
  }
  return most;
}

/** Whether a wake that failed is tried again: it has the priority of those that name none. */
function isTriedAgain({ life }: LifeView, sessionKey: string, end: number): boolean {
  return life
    .told("wake.retrying")
    .some(({ event, step }) => event.sessionKey === sessionKey && step.order < end);
}

/** The rank that an item has by itself; undefined where it is not known. */
function rankOf(item: ItemStory): number | undefined {
  if (item.isTangled) return undefined;
  if (item.isCompletion) return ranks["normal"];
  const { call } = item;
  if (call === undefined || call.method === "redrive") return undefined;
  const given = ranks[String(member(call.args[2], "priority"))];
  return given ?? (isMessage(item) === true ? ranks["foreground"] : ranks["normal"]);
}
