/** The end of a command's output, in bounded memory (B38). */
export interface OutputTail {
  add(text: string): void;
  readonly text: string;
  readonly isTruncated: boolean;
}

/** Keeps the last `limit` UTF-16 units, and never half of a surrogate pair. */
export function createOutputTail(limit: number): OutputTail {
  let kept = "";
  let isTruncated = false;
  const trim = (): void => {
    if (kept.length <= limit) return;
    isTruncated = true;
    let from = kept.length - limit;
    const unit = kept.charCodeAt(from);
    if (unit >= 0xdc00 && unit <= 0xdfff) from++;
    kept = kept.slice(from);
  };
  return {
    add(text) {
      kept += text;
      // Trimmed at twice the limit, so that many small pieces cost no more than one large one.
      if (kept.length > 2 * limit) trim();
    },
    get text() {
      trim();
      return kept;
    },
    get isTruncated() {
      trim();
      return isTruncated;
    },
  };
}
