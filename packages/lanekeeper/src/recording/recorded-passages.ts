import type { Passages } from "../keeper/passages.ts";
import type { RecordingLog } from "./recording-log.ts";

/** Passages that are noted, each when it is passed. */
export function recordPassages(log: RecordingLog): Passages {
  let passages = 0;
  return {
    enter(callback) {
      const passage = ++passages;
      return (...args) => {
        log.note({ type: "entered", passage });
        callback(...args);
      };
    },
    through(awaited) {
      const passage = ++passages;
      const promise = awaited instanceof Promise ? awaited : Promise.resolve(awaited);
      const note = (): void => log.note({ type: "entered", passage });
      // The caller awaits the same promise next, so nothing runs between this note and what the caller does then.
      promise.then(note, note);
      return promise;
    },
    callOut: (call) => log.callOut(call),
  };
}
