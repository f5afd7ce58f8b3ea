import { ConnectionTimeoutError } from "@redis/client";
import { LanekeeperError } from "lanekeeper";

/** Why a step failed: `timeout`, `connection`, or the word the server's refusal began with, such as `READONLY`. */
export function reasonOf(error: unknown): string {
  if (error instanceof NoAnswer || error instanceof ConnectionTimeoutError) return "timeout";
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
  connecting:
    "See whether the address is right, the server overloaded or the network cut, and whether it speaks TLS if the url says so (rediss:// is for servers with TLS only), and try again.",
  connection: "See that the server runs and that its address is right, and try again.",
  READONLY: "This server is a replica: connect to the primary, or try again once it is one.",
  NOAUTH: "Give the user and the password in the url.",
  WRONGPASS: "Give the right user and password in the url.",
  NOPERM:
    "The user needs EVAL, EVALSHA, TIME, GET, SET, SETRANGE, PUBLISH, SUBSCRIBE and UNSUBSCRIBE on the keys and channels of the prefix.",
  OOM: "The server is out of memory: raise its maxmemory, or free some.",
  MISCONF: "The server cannot write its snapshot: look into its log, and free its disk.",
  "ERR DB":
    "Give the number of a database that the server has at the end of the url (/0 is always there; it has 16 as it comes).",
  WRONGTYPE: "Something else uses this key: choose another prefix.",
};

function adviceOn(reason: string, said: string, isConnecting: boolean): string | undefined {
  if (reason === "timeout" && isConnecting) return advice["connecting"];
  return advice[said.startsWith("ERR DB index") ? "ERR DB" : reason];
}

/**
 * The error of a step that failed; it is not known whether the server did it, except where it refused. `isConnecting`: the
 * connection was never there.
 */
export function stepFailure(
  step: string,
  cause: unknown,
  { isConnecting = false }: { readonly isConnecting?: boolean } = {},
): LanekeeperError {
  const reason = reasonOf(cause);
  const said = cause instanceof Error ? cause.message || (cause as { code?: string }).code : String(cause);
  return new LanekeeperError(
    "STORE_UNAVAILABLE",
    `Redis could not ${step}: ${String(said).replace(/\.$/u, "")}. ${adviceOn(reason, String(said), isConnecting) ?? "Look into the server's log, and try again."}`,
    { store: "redis", step, reason },
    { cause },
  );
}
