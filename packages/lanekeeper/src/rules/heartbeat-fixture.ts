import type { HeartbeatControl } from "../heartbeats/heartbeat-control.ts";
import type { HeartbeatOptions } from "../heartbeats/heartbeat-options.ts";
import { createFixture, type Fixture } from "./fixture.ts";

/** Milliseconds. */
export const minute = 60_000;
export const hour = 60 * minute;
/** The session of the agent "main". */
export const main = "agent:main:main";

/** Lane settings with which turns may be silent for long. */
export const patient = { stallAfterMs: 100 * hour, reclaimAfterMs: 101 * hour, turnTimeoutMs: 200 * hour };

/** A keeper on simulated time with one agent's heartbeats, hourly unless the options say otherwise. */
export interface HeartbeatFixture extends Fixture {
  readonly control: HeartbeatControl;
  /** What became of heartbeats, in order: the event's last word and its reason. */
  told(): readonly string[];
  /** Lets time pass until the next time of the schedule. */
  untilDue(): Promise<void>;
}

/** Starts one. */
export async function startHeartbeats(
  heartbeat: Partial<HeartbeatOptions> = {},
  options: Parameters<typeof createFixture>[0] = {},
): Promise<HeartbeatFixture> {
  const fixture = (await createFixture({
    heartbeats: [{ agent: "main", everyMs: hour, ...heartbeat }],
    lane: patient,
    ...options,
  })) as Fixture;
  const { keeper, clock, events } = fixture;
  const control = keeper.heartbeat(heartbeat.agent ?? "main");
  return {
    ...fixture,
    control,
    told: () =>
      events.flatMap((event) => {
        if (!event.type.startsWith("heartbeat.")) return [];
        const word = event.type.slice("heartbeat.".length);
        return "reason" in event ? `${word}: ${String(event.reason)}` : word;
      }),
    untilDue: () => clock.advance(control.inspect().nextAt! - clock.now()),
  };
}

/** The least time between two instants that follow each other; of fewer than two: Infinity. */
export function leastGap(instants: readonly number[]): number {
  return Math.min(...instants.slice(1).map((at, index) => at - instants[index]!));
}
