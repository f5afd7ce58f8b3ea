const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/**
 * Makes ids that are unique and sort by time: nine characters of time, four of a counter within the millisecond, ten of
 * this maker alone.
 */
export function createIdMaker(now: () => number, random: () => number): () => string {
  let suffix = "";
  for (let index = 0; index < 10; index++) suffix += alphabet[Math.floor(random() * alphabet.length)] ?? "0";
  let lastMs = -1;
  let prefix = "";
  let counter = 0;
  return () => {
    const ms = Math.floor(now());
    if (ms > lastMs) {
      lastMs = ms;
      prefix = ms.toString(36).padStart(9, "0");
      counter = 0;
    }
    return prefix + (counter++).toString(36).padStart(4, "0") + suffix;
  };
}
