import { type CallbackFault, containRejection } from "./errors.ts";

/**
 * The host's chance, in [0, 1), so that no lane depends on it (B5). Where it gives none, `spare` does; by default all of it:
 * then a pause lasts as long as it may. `failed` is told of each that it did not give.
 */
export function containChance(
  random: () => number,
  failed: (error: unknown, did: CallbackFault) => void,
  spare: () => number = () => 1,
): () => number {
  return () => {
    try {
      const chance: unknown = random();
      if (typeof chance === "number" && chance >= 0 && chance < 1) return chance;
      containRejection(chance, (error) => failed(error, "rejected"));
      failed(new Error("random gave no number in [0, 1)."), "gave an invalid value");
    } catch (error) {
      failed(error, "threw");
    }
    return spare();
  };
}
