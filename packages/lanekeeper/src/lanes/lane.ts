import type { LaneContext, LaneEvent } from "@lanekeeper/machines";
import type { Actor, ActorLogic } from "xstate";
import type { LaneInput } from "@lanekeeper/machines";
import type { Claim, Demand } from "../dispatch/dispatcher.ts";
import type { LaneOptions } from "./lane-options.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import type { ReclaimRecord } from "../store/store.ts";
import type { ChartSnapshot } from "../xstate/compiled-logic.ts";

/** The actor of a lane. */
export type LaneActor = Actor<ActorLogic<ChartSnapshot<LaneContext>, LaneEvent, LaneInput>>;

/** Where an actor keeps its lane: every step asks for it several times, and the registry of all lanes is slow to ask. */
const laneKey = Symbol("lanekeeper.lane");

/** The lane of an actor. */
export function laneOf(actor: object): Lane {
  return (actor as { readonly [laneKey]: Lane })[laneKey];
}

/**
 * A live lane: its actor, and what the actor's effects hold that is no JSON.
 *
 * I1. Whether the session is busy is the actor's state and nothing else (B2).
 */
export class Lane {
  readonly sessionKey: string;
  readonly agent: string;
  readonly options: LaneOptions;
  /** Set before the actor's first step. */
  actor!: LaneActor;
  /** Whether its actor has stopped or crashed: whatever still comes for it is too late. */
  isOver = false;
  /** The slot, or the place in the queue for one. */
  claim: Claim | undefined = undefined;
  /** What the claim is judged by. */
  demand: Demand | undefined = undefined;
  /** The turn from its opening until the store has settled it. */
  turn: LiveTurn | undefined = undefined;
  /** The id under which the next turn is opened: kept until the store has said that it is open. */
  openingTurnId: string | undefined = undefined;
  /** The group of that turn, as it was asked for first. */
  openingGroup: string | undefined = undefined;
  /** What waits for the end of a step with the store. */
  postponed: (LaneEvent | (() => void))[] = none;
  /** Whether some agent's heartbeats are turns of its session. */
  hasHeartbeat = false;
  /** Whether it replaces one that crashed. */
  isRebuilt = false;
  /** Why the host aborts the turn, in its own words. */
  abortNote: string | undefined = undefined;
  /** Failed steps with the store in a row. */
  storeFailures = 0;
  /** Stops the notices that the store keeps it from its work, through however many tries; set while it does. */
  outage: (() => void) | undefined = undefined;
  lastReclaim: ReclaimRecord | undefined;
  incarnation: number;

  constructor(
    sessionKey: string,
    agent: string,
    options: LaneOptions,
    facts: { readonly incarnation: number; readonly lastReclaim: ReclaimRecord | undefined },
  ) {
    this.sessionKey = sessionKey;
    this.agent = agent;
    this.options = options;
    this.incarnation = facts.incarnation;
    this.lastReclaim = facts.lastReclaim;
  }

  /** Makes it the lane of an actor. */
  attach(actor: object): void {
    this.actor = actor as LaneActor;
    (actor as { [laneKey]: Lane })[laneKey] = this;
  }

  /** The actor's state. */
  get snapshot(): ChartSnapshot<LaneContext> {
    return this.actor.getSnapshot();
  }

  /** Notes that a step with the store worked. */
  storeAnswered(): void {
    this.storeFailures = 0;
    if (this.outage !== undefined) this.outage();
    this.outage = undefined;
  }

  /** Keeps an event, or a call, until the step with the store is over. */
  postpone(event: LaneEvent | (() => void)): void {
    if (this.postponed === none) this.postponed = [];
    this.postponed.push(event);
  }

  /** Hands back what was kept. */
  takePostponed(): readonly (LaneEvent | (() => void))[] {
    const events = this.postponed;
    this.postponed = none;
    return events;
  }
}

/** Shared by every lane in which nothing is postponed. Never written. */
const none: (LaneEvent | (() => void))[] = [];
