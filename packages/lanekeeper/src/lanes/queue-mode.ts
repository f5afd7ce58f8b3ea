/**
 * How a message meets a session that is not idle (B17–B21).
 *
 * `followup`: it is a turn of its own, in order. `collect`: it shares a turn with its neighbours, after some quiet.
 * `steer`: the running turn may take it; otherwise it is a followup. `interrupt`: the running turn is aborted, and it runs
 * next. `reject`: it is refused with `LANE_BUSY`.
 */
export type QueueMode = "followup" | "collect" | "steer" | "interrupt" | "reject";

/** All of them. */
export const queueModes = [
  "followup",
  "collect",
  "steer",
  "interrupt",
  "reject",
] as const satisfies readonly QueueMode[];
