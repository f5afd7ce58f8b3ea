import type { RecordingLog } from "./recording-log.ts";

/** What a signal needs to be followed. */
interface Followed {
  readonly aborted?: unknown;
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void, options?: object): void;
}

/**
 * The options of a call with a signal of our own in place of the host's: its abort is noted before the keeper hears of it,
 * and nothing comes between. `noteAborted` notes one that was aborted before the call.
 */
export function recordSignal(
  options: unknown,
  call: number,
  log: Pick<RecordingLog, "note">,
): { readonly options: unknown; noteAborted(): void } {
  const signal = signalOf(options);
  if (signal === undefined) return { options, noteAborted: () => {} };
  const controller = new AbortController();
  const note = (): void => log.note({ type: "signal", call, reason: signal.reason });
  const abort = (): void => {
    note();
    controller.abort(signal.reason);
  };
  const wasAborted = signal.aborted === true;
  if (wasAborted) controller.abort(signal.reason);
  else signal.addEventListener("abort", abort, { once: true });
  return {
    options: { ...(options as object), signal: controller.signal },
    noteAborted: () => {
      if (wasAborted) note();
    },
  };
}

function signalOf(options: unknown): Followed | undefined {
  if (typeof options !== "object" || options === null) return undefined;
  const { signal } = options as { readonly signal?: unknown };
  if (typeof signal !== "object" || signal === null) return undefined;
  const isFollowed = typeof (signal as { addEventListener?: unknown }).addEventListener === "function";
  return isFollowed ? (signal as Followed) : undefined;
}
