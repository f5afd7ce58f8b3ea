import { LanekeeperError } from "lanekeeper";

/** Why a step failed: `timeout`, `connection`, or the word the server's refusal began with, such as `READONLY`. */
export function reasonOf(error: unknown): string {
  if (error instanceof NoAnswer) return "timeout";
  const [word = ""] = error instanceof Error ? error.message.split(" ", 1) : [];
  return /^[A-Z]{2,}$/.test(word) ? word : "connection";
}

/** The server took longer than the time-out of a step. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

const advice: Readonly<Record<string, string>> = {
  timeout:
    "See whether the server is overloaded or the network cut, and try again. What was asked may still be done.",
  connection: "See that the server runs and that its address is right, and try again.",
  READONLY: "This server is a replica: connect to the primary, or try again once it is one.",
  NOAUTH: "Give the user and the password in the url.",
  WRONGPASS: "Give the right user and password in the url.",
  NOPERM:
    "The user needs EVAL, EVALSHA, TIME, GET, SET, SETRANGE, PUBLISH, SUBSCRIBE and UNSUBSCRIBE on the keys and channels of the prefix.",
  OOM: "The server is out of memory: raise its maxmemory, or free some.",
  MISCONF: "The server cannot write its snapshot: look into its log, and free its disk.",
  WRONGTYPE: "Something else uses this key: choose another prefix.",
};

/** The error of a step that failed; it is not known whether the server did it, except where it refused. */
export function stepFailure(step: string, cause: unknown): LanekeeperError {
  const reason = reasonOf(cause);
  const said = cause instanceof Error ? cause.message || (cause as { code?: string }).code : String(cause);
  return new LanekeeperError(
    "STORE_UNAVAILABLE",
    `Redis could not ${step}: ${String(said).replace(/\.$/u, "")}. ${advice[reason] ?? "Look into the server's log, and try again."}`,
    { store: "redis", step, reason },
    { cause },
  );
}
