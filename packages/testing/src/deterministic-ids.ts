/** A maker of ids: `<prefix>1`, `<prefix>2` … with leading zeros, so that they sort in the order in which they were made. */
export function deterministicIds(prefix = "id-"): () => string {
  let made = 0;
  return () => `${prefix}${String(++made).padStart(6, "0")}`;
}
