import { invalidOption } from "lanekeeper/ports";

/** A maker of ids: `<prefix>1`, `<prefix>2` … with leading zeros, so that they sort in the order in which they were made. Throws `INVALID_OPTION`. */
export function deterministicIds(prefix = "id-"): () => string {
  if (typeof prefix !== "string") throw invalidOption("prefix", prefix, "a text");
  let made = 0;
  return () => `${prefix}${String(++made).padStart(6, "0")}`;
}
