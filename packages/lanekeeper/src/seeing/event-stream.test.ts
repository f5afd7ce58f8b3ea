import { filter, finalize, map, NEVER, share, Subject, switchMap, take, tap, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { createEventStream } from "./event-stream.ts";
import type { LanekeeperEvent } from "./events.ts";

function createStream() {
  const errors: unknown[] = [];
  let asked = 0;
  const stream = createEventStream(
    () => void asked++,
    (error) => void errors.push(error),
  );
  const tell = (...times: readonly number[]) => {
    for (const at of times) stream.emit(woken(at));
  };
  return { stream, errors, tell, asked: () => asked };
}

function woken(at: number): LanekeeperEvent {
  return { type: "lane.passivated", at, sessionKey: "chat" };
}
const broken = new Error("broken");
function breakIt(): never {
  throw broken;
}

describe("an event stream", () => {
  it("collects a step's events and asks once to hand them over (I2)", () => {
    const { stream, tell, asked } = createStream();
    const seen: number[] = [];
    stream.events$.subscribe(({ at }) => seen.push(at));
    tell(1, 2, 3);
    expect([seen, asked()]).toEqual([[], 1]);
    stream.flush();
    expect(seen).toEqual([1, 2, 3]);
    tell(4);
    expect(asked()).toBe(2);
    stream.flush();
    stream.flush();
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  it("hands over what a subscriber causes after what came before it, to all in the same order", () => {
    const { stream, tell } = createStream();
    const seen: [string, number][] = [];
    stream.events$.subscribe(({ at }) => {
      seen.push(["a", at]);
      if (at === 1) tell(10);
    });
    stream.events$.subscribe(({ at }) => seen.push(["b", at]));
    tell(1, 2);
    stream.flush();
    expect(seen.map(([name, at]) => `${name}${at}`).join(" ")).toBe("a1 b1 a2 b2 a10 b10");
  });

  it("knows whether anybody looks (I1)", () => {
    const { stream, tell } = createStream();
    expect(stream.isObserved).toBe(false);
    const first = stream.events$.subscribe();
    const second = stream.events$.pipe(map(({ at }) => at)).subscribe();
    expect(stream.isObserved).toBe(true);
    first.unsubscribe();
    expect(stream.isObserved).toBe(true);
    second.unsubscribe();
    expect(stream.isObserved).toBe(false);
    stream.events$.pipe(take(1)).subscribe();
    tell(1);
    stream.flush();
    expect(stream.isObserved).toBe(false);
  });

  it("does with nobody looking", () => {
    const { stream, tell, errors } = createStream();
    tell(1);
    stream.flush();
    const seen: number[] = [];
    stream.events$.subscribe(({ at }) => seen.push(at));
    tell(2);
    stream.flush();
    expect([seen, errors]).toEqual([[2], []]);
  });

  it("tells nothing to one who unsubscribed, also from within", () => {
    const { stream, tell } = createStream();
    const seen: string[] = [];
    const first = stream.events$.subscribe(({ at }) => {
      seen.push(`first ${at}`);
      first.unsubscribe();
      second.unsubscribe();
    });
    const second = stream.events$.subscribe(({ at }) => seen.push(`second ${at}`));
    tell(1, 2);
    stream.flush();
    expect(seen).toEqual(["first 1"]);
  });

  it("ends after what was collected, for those there and those to come, and takes nothing more", () => {
    const { stream, tell } = createStream();
    const ends: unknown[] = [];
    stream.events$
      .pipe(
        map(({ at }) => at),
        toArray(),
      )
      .subscribe((all) => ends.push(all));
    tell(1);
    stream.close();
    stream.events$.subscribe({ complete: () => ends.push("late") });
    expect(ends).toEqual([[1], "late"]);
    tell(2);
    stream.flush();
    stream.close();
    expect([ends, stream.isObserved]).toEqual([[[1], "late"], false]);
  });
});

describe("a subscriber that throws", () => {
  it.each<[string, (stream: ReturnType<typeof createStream>["stream"]) => unknown]>([
    ["as a function", ({ events$ }) => events$.subscribe(breakIt)],
    ["as an observer", ({ events$ }) => events$.subscribe({ next: breakIt })],
    ["behind an operator", ({ events$ }) => events$.pipe(map(({ at }) => at)).subscribe(breakIt)],
    [
      "behind many operators",
      ({ events$ }) =>
        events$
          .pipe(
            filter(() => true),
            switchMap((event) => [event]),
            tap(() => {}),
            share(),
          )
          .subscribe(breakIt),
    ],
  ])("%s is reported each time, goes on, and changes nothing for others (I3, B5)", (_how, subscribe) => {
    const { stream, tell, errors } = createStream();
    const seen: number[] = [];
    stream.events$.subscribe(({ at }) => seen.push(at));
    subscribe(stream);
    stream.events$.subscribe(({ at }) => seen.push(-at));
    tell(1, 2);
    stream.flush();
    expect(seen).toEqual([1, -1, 2, -2]);
    expect(errors).toEqual([broken, broken]);
  });

  it("keeps its observer's own this", () => {
    const { stream, tell } = createStream();
    const observer = {
      seen: [] as number[],
      next({ at }: LanekeeperEvent) {
        this.seen.push(at);
      },
    };
    stream.events$.subscribe(observer);
    tell(1);
    stream.flush();
    expect(observer.seen).toEqual([1]);
  });

  it("at the end is reported as well", () => {
    const { stream, errors } = createStream();
    const ends: string[] = [];
    stream.events$.subscribe({ complete: breakIt });
    stream.events$.subscribe({ complete: () => ends.push("other") });
    stream.close();
    expect([errors, ends]).toEqual([[broken], ["other"]]);
  });

  it("on its way out changes nothing for others", () => {
    const { stream, tell } = createStream();
    const seen: number[] = [];
    stream.events$.pipe(take(1), finalize(breakIt)).subscribe();
    stream.events$.pipe(take(1)).subscribe().add(breakIt);
    stream.events$.subscribe(({ at }) => seen.push(at));
    tell(1, 2);
    stream.flush();
    stream.close();
    expect(seen).toEqual([1, 2]);
  });
});

describe("an operator that throws", () => {
  it("ends its own subscription alone, and is reported where nobody takes the error", () => {
    const { stream, tell, errors } = createStream();
    const seen: number[] = [];
    const taken: unknown[] = [];
    stream.events$.pipe(map(breakIt)).subscribe();
    stream.events$.pipe(switchMap(breakIt)).subscribe({ error: (error) => taken.push(error) });
    stream.events$.subscribe(({ at }) => seen.push(at));
    tell(1, 2);
    stream.flush();
    expect([errors, taken, seen]).toEqual([[broken], [broken], [1, 2]]);
  });

  it("whose error breaks whoever takes it is reported", () => {
    const { stream, tell, errors } = createStream();
    const second = new Error("second");
    stream.events$.pipe(map(breakIt)).subscribe({
      error: () => {
        throw second;
      },
    });
    stream.events$.pipe(map(breakIt)).subscribe(
      () => {},
      () => breakIt(),
    );
    tell(1);
    stream.flush();
    expect(errors).toEqual([second, broken]);
  });

  it("leaves nobody looking", () => {
    const { stream, tell } = createStream();
    stream.events$
      .pipe(
        switchMap(() => NEVER),
        map(breakIt),
      )
      .subscribe()
      .unsubscribe();
    stream.events$.pipe(map(breakIt)).subscribe({ error: () => {} });
    tell(1);
    stream.flush();
    expect(stream.isObserved).toBe(false);
  });

  it("contains a host's own subject that it has unsubscribed", () => {
    const { stream, errors, tell } = createStream();
    const subject = new Subject<LanekeeperEvent>();
    stream.events$.subscribe(subject);
    subject.unsubscribe();
    tell(1);
    stream.flush();
    expect(errors).toMatchObject([{ name: "ObjectUnsubscribedError" }]);
  });
});
