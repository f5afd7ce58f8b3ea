/** Why the command line gave up; `code` says whether the user or the run is the reason. */
export class CliError extends Error {
  readonly code:
    | "BAD_OPTION"
    | "BAD_TRACE"
    | "BAD_STORE"
    | "BAD_RECORDING"
    | "BAD_COMMANDS"
    | "BAD_FOLDER"
    | "STUCK";

  /** A failure with a message of one line that says what to do. */
  constructor(code: CliError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "CliError";
    this.code = code;
  }
}

/** What a turn of the replay throws when the dice say that it crashes. */
export class DeliberateCrash extends Error {
  /** Names the message whose turn crashed. */
  constructor(messageId: string) {
    super(`Turn of ${messageId} crashed on purpose.`);
    this.name = "DeliberateCrash";
  }
}
