import { containRejection } from "./errors.ts";

/**
 * The host's chance, in [0, 1); all of it where it gives no number, so that no lane depends on it (B5): then a pause lasts
 * as long as it may. `failed` is told of each that it did not give.
 */
export function containChance(random: () => number, failed: (error: unknown) => void): () => number {
  return () => {
    try {
      const chance: unknown = random();
      if (typeof chance === "number") return chance;
      containRejection(chance, failed);
      failed(new Error("random gave no number."));
    } catch (error) {
      failed(error);
    }
    return 1;
  };
}
