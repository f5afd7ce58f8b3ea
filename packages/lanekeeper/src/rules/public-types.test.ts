import { expect, expectTypeOf, test } from "vitest";
import type { ExecCompletion } from "../commands/execution.ts";
import type {
  AcceptedMessage,
  CapacityOptions,
  EventInput,
  Execution,
  ExecOptions,
  ExecReport,
  Explanation,
  HeartbeatControl,
  HeartbeatOptions,
  HeartbeatResult,
  Lanekeeper,
  LanekeeperErrorCode,
  LanekeeperEvent,
  LanekeeperOptions,
  LaneOptions,
  LaneSettings,
  NotifyOptions,
  Outcome,
  Priority,
  QueueMode,
  Receipt,
  SendOptions,
  SessionView,
  Turn,
  WakeOptions,
} from "../index.ts";
import { createLanekeeper } from "../index.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";

/** What the compiler promises hosts. `tsc -b` checks it; nothing here runs but the first test. */

test("B61 events$ is a discriminated union: a type narrows an event to its facts", async () => {
  const keeper = await createLanekeeper({ turn: () => "ok", clock: createSimulatedClock() });
  const reasons: string[] = [];
  keeper.events$.subscribe((event) => {
    expectTypeOf(event).toEqualTypeOf<LanekeeperEvent>();
    expectTypeOf(event.at).toEqualTypeOf<number>();
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- a host looks at what it needs
    switch (event.type) {
      case "message.refused":
        expectTypeOf(event.sessionKey).toEqualTypeOf<string>();
        reasons.push(event.reason);
        break;
      case "turn.started":
        expectTypeOf(event.cause).toEqualTypeOf<"message" | "event" | "wake" | "heartbeat">();
        expectTypeOf(event.fencingToken).toEqualTypeOf<bigint>();
        expectTypeOf(event.messageIds).toEqualTypeOf<readonly string[]>();
        break;
      case "lane.blocked":
        expectTypeOf(event.reason).toEqualTypeOf<"capacity" | "group" | "store">();
        break;
      case "wake.deferred":
        expectTypeOf(event.reason).toEqualTypeOf<
          "session-busy" | "capacity-full" | "group-full" | "paused" | "draining"
        >();
        break;
      case "exec.completed":
        expectTypeOf(event.status).toEqualTypeOf<ExecCompletion["status"]>();
        break;
      case "health.changed":
        // @ts-expect-error -- it concerns no session
        reasons.push(event.sessionKey);
        break;
      default:
        // @ts-expect-error -- not every event has a reason
        reasons.push(event.reason);
    }
  });
  expectTypeOf<"message.lost">().not.toExtend<LanekeeperEvent["type"]>();
  await keeper.close();
  expect(reasons).toEqual([undefined]);
});

test("B61 every type of event is a literal, and each event has its time", () => {
  expectTypeOf<LanekeeperEvent["at"]>().toEqualTypeOf<number>();
  expectTypeOf<string>().not.toExtend<LanekeeperEvent["type"]>();
  expectTypeOf<
    | "message.accepted"
    | "message.duplicate"
    | "message.refused"
    | "message.cancelled"
    | "message.dropped"
    | "message.steered"
    | "event.accepted"
    | "event.cancelled"
    | "event.replaced"
    | "event.dropped"
    | "turn.started"
    | "turn.emitted"
    | "turn.waiting"
    | "turn.resumed"
    | "turn.aborting"
    | "turn.completed"
    | "turn.failed"
    | "turn.retrying"
    | "turn.lateResult"
    | "lane.state"
    | "lane.stalled"
    | "lane.recovered"
    | "lane.reclaimed"
    | "lane.blocked"
    | "lane.passivated"
    | "lane.crashed"
    | "session.reset"
    | "session.cleared"
    | "session.forgotten"
    | "session.paused"
    | "session.resumed"
    | "wake.merged"
    | "wake.deferred"
    | "exec.started"
    | "exec.completed"
    | "exec.routed"
    | "exec.refused"
    | "exec.lost"
    | "capacity.changed"
    | "health.changed"
    | "store.failed"
    | "store.recovered"
    | "deadLetter.added"
    | "deadLetter.redriven"
    | "deadLetter.discarded"
  >().toExtend<LanekeeperEvent["type"]>();
});

type GroupOptions = NonNullable<CapacityOptions["groups"]>[string];

/** Whether every member that may be left out may be undefined as well. */
type TakesUndefined<Options> = {
  [Key in keyof Options]-?: object extends Pick<Options, Key>
    ? undefined extends Options[Key]
      ? true
      : Key
    : true;
}[keyof Options];

test("B61 every optional of the options takes undefined", () => {
  expectTypeOf<TakesUndefined<LanekeeperOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<LaneSettings>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NonNullable<LaneSettings["retry"]>>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<CapacityOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<GroupOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<ExecOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<SendOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<EventInput>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NotifyOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<WakeOptions>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<ExecReport>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NonNullable<Parameters<Lanekeeper["sessions"]>[0]>>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NonNullable<Parameters<Lanekeeper["deadLetters"]>[0]>>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NonNullable<Parameters<Lanekeeper["clear"]>[1]>>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NonNullable<Parameters<Lanekeeper["drain"]>[0]>>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<NonNullable<Parameters<Turn["exec"]>[2]>>>().toEqualTypeOf<true>();
  expectTypeOf<TakesUndefined<SessionView>>().toEqualTypeOf<true>();
});

test("B61 arrays that are taken or given are readonly", () => {
  expectTypeOf<readonly string[]>().toExtend<Parameters<Lanekeeper["exec"]>[2]>();
  expectTypeOf<readonly string[]>().toExtend<Parameters<Turn["exec"]>[1]>();
  expectTypeOf<Turn["messages"]>().not.toExtend<unknown[]>();
  expectTypeOf<Turn["events"]>().not.toExtend<unknown[]>();
});

test("B61 messages and replies keep their types from the turn to the receipt", () => {
  interface Question {
    readonly text: string;
  }
  expectTypeOf(createLanekeeper<Question, number>).returns.resolves.toEqualTypeOf<
    Lanekeeper<Question, number>
  >();
  type Keeper = Lanekeeper<Question, number>;
  expectTypeOf<Keeper["send"]>().parameter(1).toEqualTypeOf<Question>();
  expectTypeOf<Keeper["send"]>().returns.resolves.toEqualTypeOf<Receipt<number>>();
  expectTypeOf<Receipt<number>["outcome"]>().resolves.toEqualTypeOf<Outcome<number>>();
  expectTypeOf<Extract<Outcome<number>, { status: "completed" }>["reply"]>().toEqualTypeOf<number>();
  expectTypeOf<Turn<Question>["messages"][number]["body"]>().toEqualTypeOf<Question>();
  expectTypeOf<Execution["done"]>().resolves.toEqualTypeOf<ExecCompletion>();
  expectTypeOf<Keeper>().toExtend<AsyncDisposable>();
});

test("B17 messages have modes, and the type says which", () => {
  expectTypeOf<QueueMode>().toEqualTypeOf<"followup" | "collect" | "steer" | "interrupt" | "reject">();
  expectTypeOf<LaneOptions["mode"]>().toEqualTypeOf<QueueMode>();
  expectTypeOf<SendOptions["mode"]>().toEqualTypeOf<QueueMode | undefined>();
  expectTypeOf<NotifyOptions>().not.toHaveProperty("mode");
  expectTypeOf<LaneOptions["debounceMs"]>().toEqualTypeOf<number>();
  expectTypeOf<LaneOptions["debounceMaxMs"]>().toEqualTypeOf<number>();
  expectTypeOf<Turn<string>["takeSteering"]>().toEqualTypeOf<() => readonly AcceptedMessage<string>[]>();
  expectTypeOf<"interrupted">().toExtend<Extract<Outcome, { status: "cancelled" }>["reason"]>();
});

test("B22 what is dropped has a reason, and the next turn is told of it", () => {
  expectTypeOf<LaneOptions["overflow"]>().toEqualTypeOf<
    "reject" | "drop-oldest" | "drop-newest" | "summarize"
  >();
  expectTypeOf<LaneOptions["summarize"]>().toEqualTypeOf<(message: unknown) => string>();
  expectTypeOf<SendOptions["expiresInMs"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Turn["dropped"]>().toEqualTypeOf<
    { readonly count: number; readonly summary: readonly string[] } | undefined
  >();
  expectTypeOf<Extract<Outcome, { status: "dropped" }>["reason"]>().toEqualTypeOf<
    "overflow" | "expired" | "replaced"
  >();
});

test("B23a work that waits can be taken back", () => {
  expectTypeOf<Receipt["cancel"]>().toEqualTypeOf<(reason?: string) => Promise<boolean>>();
  expectTypeOf<SendOptions["signal"]>().toEqualTypeOf<AbortSignal | undefined>();
  expectTypeOf<"cancelled">().toExtend<Extract<Outcome, { status: "cancelled" }>["reason"]>();
});

test("B14 work has a priority and may have a group", () => {
  expectTypeOf<Priority>().toEqualTypeOf<"foreground" | "normal" | "background">();
  expectTypeOf<SendOptions["priority"]>().toEqualTypeOf<Priority | undefined>();
  expectTypeOf<NotifyOptions["priority"]>().toEqualTypeOf<Priority | undefined>();
  expectTypeOf<WakeOptions["priority"]>().toEqualTypeOf<Priority | undefined>();
  expectTypeOf<SendOptions["group"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<NotifyOptions["group"]>().toEqualTypeOf<string | undefined>();
  expectTypeOf<GroupOptions["limit"]>().toEqualTypeOf<number>();
  expectTypeOf<GroupOptions["reserved"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<CapacityOptions["waiting"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<"group" | "debounce">().toExtend<Explanation["blockedBy"]>();
});

test("B11 sessions have settings of their own, and are forgotten", () => {
  expectTypeOf<LanekeeperOptions["laneFor"]>().toEqualTypeOf<
    ((sessionKey: string) => LaneSettings | undefined) | undefined
  >();
  expectTypeOf<LanekeeperOptions["forgetAfterMs"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<Lanekeeper["forget"]>().toEqualTypeOf<(sessionKey: string) => Promise<boolean>>();
});

test("B31b dead letters are put back or discarded", () => {
  expectTypeOf<Lanekeeper<string, number>["redrive"]>().toEqualTypeOf<
    (deadLetterId: string) => Promise<Receipt<number>>
  >();
  expectTypeOf<Lanekeeper["discard"]>().toEqualTypeOf<(deadLetterId: string) => Promise<boolean>>();
});

test("B43 an agent's heartbeats are asked for, looked at, and turned on and off", () => {
  expectTypeOf<LanekeeperOptions["heartbeats"]>().toEqualTypeOf<readonly HeartbeatOptions[] | undefined>();
  expectTypeOf<Lanekeeper["heartbeat"]>().toEqualTypeOf<(agent: string) => HeartbeatControl>();
  expectTypeOf<HeartbeatControl["request"]>().toEqualTypeOf<() => Promise<HeartbeatResult>>();
  expectTypeOf<HeartbeatResult["status"]>().toEqualTypeOf<
    "ran" | "deferred" | "skipped" | "failed" | "preempted"
  >();
  expectTypeOf<"TURN_PREEMPTED">().toExtend<LanekeeperErrorCode>();
});

test("B29 a turn says what it waits for", () => {
  expectTypeOf<Turn["waiting"]>().toEqualTypeOf<
    <T>(reason: string, untilAt: number, wait: Promise<T>) => Promise<T>
  >();
});

test("B61 what goes wrong has a code", () => {
  expectTypeOf<
    | "LANE_BUSY"
    | "LANE_FULL"
    | "OVERLOADED"
    | "NOT_FOUND"
    | "SELF_DEADLOCK"
    | "TURN_INTERRUPTED"
    | "MESSAGE_CANCELLED"
    | "MESSAGE_DROPPED"
  >().toExtend<LanekeeperErrorCode>();
});

test("B49 locks are asked for of the keeper, or of a turn", () => {
  expectTypeOf<Lanekeeper["locks"]>().toEqualTypeOf<Turn["locks"]>();
  expectTypeOf<"LOCK_TIMEOUT" | "LOCK_ABORTED" | "LOCK_LOST">().toExtend<LanekeeperErrorCode>();
});

test("B57 a durable store's limit and refusals have names", () => {
  expectTypeOf<LanekeeperOptions["maxMessageBytes"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<"INVALID_MESSAGE" | "STORE_CORRUPT" | "STORE_INCOMPATIBLE">().toExtend<LanekeeperErrorCode>();
});
