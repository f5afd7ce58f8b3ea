/** Thrown when the garbage collector cannot be called. */
class GarbageCollectorHidden extends Error {
  override readonly name = "GarbageCollectorHidden";

  constructor() {
    super("The garbage collector cannot be called. Start node with --expose-gc.");
  }
}

/** Frees what nobody holds any more. Throws `GarbageCollectorHidden` unless node was started with `--expose-gc`. */
export async function collectGarbage(): Promise<void> {
  const { gc } = globalThis;
  if (gc === undefined) throw new GarbageCollectorHidden();
  // Twice: what the first run finds only weakly held goes with the second.
  for (let run = 0; run < 2; run++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
}

/** Bytes of the heap that somebody holds. */
export async function heldBytes(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().heapUsed;
}
