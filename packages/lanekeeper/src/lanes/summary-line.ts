/** UTF-16 units of a line at most. */
const longest = 160;

/** One line for a message's body: a text itself, its `text` member, else JSON. */
export function summarizeBody(body: unknown): string {
  if (typeof body === "string") return body;
  const text: unknown = (body as { readonly text?: unknown } | null | undefined)?.text;
  return typeof text === "string" ? text : (JSON.stringify(body) ?? String(body));
}

/** A text as one line: its white space folded, cut at 160 UTF-16 units, never within a character. */
export function toLine(text: string): string {
  const line = text.replace(/\s+/gu, " ").trim();
  if (line.length <= longest) return line;
  return `${line.slice(0, longest - 1).replace(/[\uD800-\uDBFF]$/u, "")}…`;
}
