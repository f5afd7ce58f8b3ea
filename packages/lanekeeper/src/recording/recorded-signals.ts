import { Unreadable } from "./encoding.ts";
import type { RecordingLog } from "./recording-log.ts";

/** What the keeper uses of a signal. */
type Followed = Pick<AbortSignal, "aborted" | "reason" | "addEventListener" | "removeEventListener">;

/**
 * The options of a call with a signal of our own before the host's: its abort is noted when the keeper hears of it, or
 * finds out, and nothing comes between.
 *
 * I1. It listens to the host's signal as long as the keeper does.
 */
export function recordSignal(options: unknown, call: number, log: Pick<RecordingLog, "note">): unknown {
  const signal = signalOf(options);
  if (signal === undefined) return options;
  const note = (wasAborted: boolean): void =>
    log.note({
      type: "signal",
      call,
      reason: signal.reason as unknown,
      ...(wasAborted ? { wasAborted } : {}),
    });
  return { ...(options as object), signal: new RecordedSignal(signal, note) };
}

function signalOf(options: unknown): Followed | undefined {
  if (typeof options !== "object" || options === null) return undefined;
  const { signal } = options as { readonly signal?: unknown };
  if (typeof signal !== "object" || signal === null) return undefined;
  const { addEventListener, removeEventListener } = signal as Partial<Followed>;
  const isFollowed = typeof addEventListener === "function" && typeof removeEventListener === "function";
  return isFollowed ? (signal as Followed) : undefined;
}

class RecordedSignal {
  readonly #signal: Followed;
  readonly #note: (wasAborted: boolean) => void;
  readonly #listeners = new Map<() => void, () => void>();
  #isNoted = false;

  constructor(signal: Followed, note: (wasAborted: boolean) => void) {
    this.#signal = signal;
    this.#note = note;
  }

  get aborted(): boolean {
    const isAborted = this.#signal.aborted;
    if (isAborted && !this.#isNoted) {
      this.#isNoted = true;
      this.#note(true);
    }
    return isAborted;
  }
  get reason(): unknown {
    return this.#signal.reason;
  }
  addEventListener(type: "abort", listener: () => void, options?: { readonly once?: boolean }): void {
    const noting = (): void => {
      this.#isNoted = true;
      this.#note(false);
      listener();
    };
    this.#listeners.set(listener, noting);
    this.#signal.addEventListener(type, noting, options);
  }
  removeEventListener(type: "abort", listener: () => void): void {
    const noting = this.#listeners.get(listener);
    if (noting !== undefined) this.#signal.removeEventListener(type, noting);
    this.#listeners.delete(listener);
  }
  toJSON(): unknown {
    return new Unreadable("~s");
  }
}
