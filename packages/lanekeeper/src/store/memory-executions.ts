import { createExpiry } from "./expiry.ts";
import type { ExecutionRecord } from "./store.ts";

/** Milliseconds for which a completed command is known, so that it is accepted once (B35). */
const rememberedMs = 86_400_000;

/** The memory store's table of commands. */
export interface MemoryExecutions {
  get(execId: string): ExecutionRecord | undefined;
  add(record: ExecutionRecord): void;
  remove(execId: string): void;
  /** Commands that are not completed. */
  open(): readonly ExecutionRecord[];
  /** Whether a command of the session is not completed. */
  isAwaited(sessionKey: string): boolean;
  /** Marks a command as completed; its id stays known for 24 hours. */
  complete(record: ExecutionRecord, now: number): void;
  sweep(now: number): void;
  next(): number | undefined;
}

/** An empty table. */
export function createMemoryExecutions(): MemoryExecutions {
  const records = new Map<string, ExecutionRecord>();
  const completed = createExpiry<string>();
  const awaited = new Map<string, number>();
  const count = (record: ExecutionRecord | undefined, by: 1 | -1): void => {
    if (record === undefined || record.state === "completed") return;
    const left = (awaited.get(record.sessionKey) ?? 0) + by;
    if (left === 0) awaited.delete(record.sessionKey);
    else awaited.set(record.sessionKey, left);
  };
  return {
    get: (execId) => records.get(execId),
    add(record) {
      count(records.get(record.execId), -1);
      records.set(record.execId, record);
      count(record, 1);
    },
    remove(execId) {
      count(records.get(execId), -1);
      records.delete(execId);
    },
    open: () => [...records.values()].filter(({ state }) => state !== "completed"),
    isAwaited: (sessionKey) => awaited.has(sessionKey),
    complete(record, now) {
      count(records.get(record.execId), -1);
      records.set(record.execId, { ...record, state: "completed" });
      completed.keep(record.execId, now + rememberedMs, rememberedMs);
    },
    sweep: (now) => completed.sweep(now, (execId) => records.delete(execId)),
    next: () => completed.next(),
  };
}
