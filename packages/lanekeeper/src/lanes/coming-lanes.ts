import type { SessionRecord } from "../store/store.ts";
import type { MailboxNews } from "./mailbox-news.ts";
import type { Resumption } from "./resumption.ts";

/** The lanes that start when the host has its keeper: not before, so that its turns know it and it is told of all. */
export interface ComingLanes {
  /** Whether none is to start. */
  readonly isEmpty: boolean;
  /** Adds the lanes of sessions with work, by their records. */
  add(records: readonly SessionRecord[]): void;
  /** Starts them, and from now on whichever there is news for. */
  begin(): void;
}

/** The lanes of which there was news meanwhile come first, then those of the records. */
export function createComingLanes(news: MailboxNews, resumption: Resumption): ComingLanes {
  return {
    get isEmpty() {
      return news.isEmpty && resumption.isEmpty;
    },
    add: (records) => resumption.add(records),
    begin() {
      news.begin();
      resumption.begin();
    },
  };
}
