import type { WriteStream } from "node:tty";
import { createLogUpdate } from "log-update";

/** How something goes, as a display shows it. */
export interface ProgressText {
  /** A bar and what more there is to say: on a terminal with so many columns. */
  block(columns: number): string;
  /** The same in one line, for a log. */
  line(): string;
}

/** Shows how something goes while it runs. */
export interface ProgressDisplay {
  /** Begins to show what the function says. */
  begin(progress: () => ProgressText): void;
  /** Writes a line that stays. */
  note(text: string): void;
  /** Ends; what was shown is removed from a terminal. */
  end(): void;
}

const redrawEveryMs = 100;
const lineEveryMs = 3_000;

/** A bar and a live line on a terminal; elsewhere a plain line every few seconds. */
export function createProgressDisplay(stream: WriteStream): ProgressDisplay {
  const isTerminal = stream.isTTY && stream.columns > 0 && process.env["TERM"] !== "dumb";
  return isTerminal ? createLiveDisplay(stream) : createPlainDisplay(stream);
}

function createLiveDisplay(stream: WriteStream): ProgressDisplay {
  const screen = createLogUpdate(stream);
  const redraw = createRepetition(redrawEveryMs, (progress) => {
    screen(progress.block(stream.columns));
  });
  return {
    begin: redraw.begin,
    note: (text) => screen.persist(text),
    end() {
      redraw.end();
      screen.clear();
      screen.done();
    },
  };
}

function createPlainDisplay(stream: NodeJS.WritableStream): ProgressDisplay {
  const write = (text: string) => stream.write(`${text}\n`);
  const lines = createRepetition(lineEveryMs, (progress) => write(progress.line()));
  return { begin: lines.begin, note: write, end: lines.end };
}

function createRepetition(
  everyMs: number,
  show: (progress: ProgressText) => void,
): { begin(progress: () => ProgressText): void; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(progress) {
      show(progress());
      timer = setInterval(() => show(progress()), everyMs);
    },
    end() {
      clearInterval(timer);
    },
  };
}
