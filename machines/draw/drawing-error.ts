/** A chart that could not be laid out: a bug of the drawing or of ELK, never of the machine. */
export class DrawingError extends Error {
  override readonly name = "DrawingError";
  readonly code: "NO_AREA" | "NO_WAY" | "NO_LAYOUT";
  /** The state, edge or machine that got no place. */
  readonly subject: string;

  constructor(code: DrawingError["code"], subject: string) {
    super(`${code}: the drawing found no place for ${subject}; report the machine that does this`);
    this.code = code;
    this.subject = subject;
  }
}
