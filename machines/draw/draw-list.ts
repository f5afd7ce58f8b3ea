import type { AnyStateMachine } from "xstate";
import { heartbeatRunnerMachine } from "../heartbeat-runner/heartbeat-runner.machine.ts";
import { lockHolderMachine } from "../lock-holder/lock-holder.machine.ts";
import { sessionLaneMachine } from "../session-lane/session-lane.machine.ts";
import { supervisorMachine } from "../supervisor/supervisor.machine.ts";

/** A machine and the name of its folder, which is also the name of its files. */
export interface Drawing {
  readonly name: string;
  readonly machine: AnyStateMachine;
}

/** The machines that are drawn; a new one is added here and nowhere else. */
export const drawList: readonly Drawing[] = [
  { name: "session-lane", machine: sessionLaneMachine },
  { name: "supervisor", machine: supervisorMachine },
  { name: "heartbeat-runner", machine: heartbeatRunnerMachine },
  { name: "lock-holder", machine: lockHolderMachine },
];
