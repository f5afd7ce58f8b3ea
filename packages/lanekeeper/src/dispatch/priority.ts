/** How urgent work is. Within a session it reorders nothing (B3). */
export type Priority = "foreground" | "normal" | "background";

/** Higher is more urgent. */
export const priorityRank: Readonly<Record<Priority, number>> = { background: 0, normal: 1, foreground: 2 };

/** The more urgent of two. */
export function higherPriority(a: Priority, b: Priority): Priority {
  return priorityRank[a] >= priorityRank[b] ? a : b;
}
