import { createExpiry } from "./expiry.ts";
import type { ExecutionRecord } from "./store.ts";

/** Milliseconds for which a completed command is known, so that it is accepted once (B35). */
const rememberedMs = 86_400_000;

/** The memory store's table of commands. */
export interface MemoryExecutions {
  get(execId: string): ExecutionRecord | undefined;
  add(record: ExecutionRecord): void;
  remove(execId: string): void;
  /** Marks a command as completed; its id stays known for 24 hours. */
  complete(record: ExecutionRecord, now: number): void;
  sweep(now: number): void;
  next(): number | undefined;
}

/** An empty table. */
export function createMemoryExecutions(): MemoryExecutions {
  const records = new Map<string, ExecutionRecord>();
  const completed = createExpiry<string>();
  return {
    get: (execId) => records.get(execId),
    add: (record) => void records.set(record.execId, record),
    remove: (execId) => void records.delete(execId),
    complete(record, now) {
      records.set(record.execId, { ...record, state: "completed" });
      completed.keep(record.execId, now + rememberedMs, rememberedMs);
    },
    sweep: (now) => completed.sweep(now, (execId) => records.delete(execId)),
    next: () => completed.next(),
  };
}
