import { expect, expectTypeOf, test } from "vitest";
import type { ExecCompletion } from "../commands/execution.ts";
import type {
  CapacityOptions,
  EventInput,
  Execution,
  ExecOptions,
  ExecReport,
  Lanekeeper,
  LanekeeperEvent,
  LanekeeperOptions,
  LaneSettings,
  NotifyOptions,
  Outcome,
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
        expectTypeOf(event.reason).toEqualTypeOf<"capacity" | "store">();
        break;
      case "wake.deferred":
        expectTypeOf(event.reason).toEqualTypeOf<"session-busy" | "capacity-full" | "paused" | "draining">();
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
    | "event.accepted"
    | "event.replaced"
    | "event.dropped"
    | "turn.started"
    | "turn.emitted"
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
  >().toExtend<LanekeeperEvent["type"]>();
});

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

test("B61 what belongs to a later stage is no member yet", () => {
  expectTypeOf<LanekeeperOptions>().not.toHaveProperty("heartbeats");
  expectTypeOf<LanekeeperOptions>().not.toHaveProperty("leases");
  expectTypeOf<LanekeeperOptions>().not.toHaveProperty("laneFor");
  expectTypeOf<SendOptions>().not.toHaveProperty("priority");
  expectTypeOf<SendOptions>().not.toHaveProperty("expiresInMs");
  expectTypeOf<Turn>().not.toHaveProperty("takeSteering");
  expectTypeOf<"collect">().not.toExtend<LaneSettings["mode"]>();
  expectTypeOf<"summarize">().not.toExtend<LaneSettings["overflow"]>();
});
