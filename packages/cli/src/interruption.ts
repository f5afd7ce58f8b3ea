/** Whether the user wants an end. */
export interface Interruption {
  /** Aborts with the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Listens no more. */
  stop(): void;
}

/** The first SIGINT or SIGTERM ends what runs in order; a second one ends the process at once. */
export function listenForInterruption(onInterrupt: () => void): Interruption {
  const controller = new AbortController();
  const stop = () => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  };
  const interrupt = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      stop();
      process.kill(process.pid, signal);
      return;
    }
    // The listeners stay: a library that restores the cursor ends the process where it finds itself the only listener.
    onInterrupt();
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return { signal: controller.signal, stop };
}
