import { crossing, type Mutant, rules } from "./mutant.ts";

/** The memory store: tokens, holders, what is kept and for how long (B3, B11, B33, B59). */
export const storeMutants: readonly Mutant[] = [
  {
    name: "fencing-token-reused",
    rules: ["B28", "B11"],
    change: "all turns of an incarnation have the same fencing token",
    file: "packages/lanekeeper/src/store/mailbox-steps.ts",
    find: `      const fencingToken = BigInt(++state.counter);`,
    replace: `      const fencingToken = BigInt(session.incarnation);`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("fencing")],
  },
  {
    name: "incarnation-begins-again",
    rules: ["B11", "B36"],
    change: "a session that was forgotten begins with an incarnation it had before",
    file: "packages/lanekeeper/src/store/memory-state.ts",
    find: `new MailboxSession(sessionKey, ++this.counter, this.counts, this.#host.clock.now())`,
    replace: `new MailboxSession(sessionKey, 1, this.counts, this.#host.clock.now())`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("forget")],
  },
  {
    name: "stale-settlement-accepted",
    rules: ["B28", "B3"],
    change: "whoever knows the id of the open turn may settle it, with whatever token",
    file: "packages/lanekeeper/src/store/mailbox-steps.ts",
    find: `      if (open?.turnId === turnId && open.fencingToken === fencingToken) {`,
    replace: `      if (open?.turnId === turnId) {`,
    kills: crossing("conformance/mailbox-store"),
  },
  {
    name: "event-held-by-a-turn-replaced",
    rules: ["B22"],
    change: "an event that a failed turn gave back is replaced by the newer one of its key",
    file: "packages/lanekeeper/src/store/mailbox-settling.ts",
    find: `    session.add(returned);
    session.know(knownName(item), returned);`,
    replace: `    const newer = session.waiting.find(({ key }) => key !== undefined && key === item.key);
    if (newer !== undefined) {
      state.remember(session, item, { status: "dropped", reason: "replaced" }, dedupeMs);
      return undefined;
    }
    session.add(returned);
    session.know(knownName(item), returned);`,
    kills: rules("event-overflow"),
  },
  {
    name: "store-without-a-deadline",
    rules: ["B33"],
    change: "a store that never answers is waited for as long as it likes",
    file: "packages/lanekeeper/src/store/store-requests.ts",
    find: `    const deadline = armRunning(storeDeadlineMs, () =>`,
    replace: `    const deadline = armRunning(storeDeadlineMs * 1_000, () =>`,
    kills: rules("failures"),
  },
  {
    name: "two-keepers-on-one-store",
    rules: ["B59"],
    change: "a memory store opens for a second keeper beside the first",
    file: "packages/lanekeeper/src/store/memory-store.ts",
    find: `      if (given !== undefined) {`,
    replace: `      if (given !== undefined && state === undefined) {`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("keepers")],
  },
  {
    name: "former-keeper-writes-on",
    rules: ["B59"],
    change: "a keeper whose store was closed under it writes into it again once another has it",
    file: "packages/lanekeeper/src/store/memory-store.ts",
    find: `      const hold = {};
      given = hold;
      return whileHeld(createMailboxSteps(state), () => given === hold);`,
    replace: `      given = {};
      return whileHeld(createMailboxSteps(state), () => given !== undefined);`,
    kills: [...crossing("conformance/mailbox-store"), ...rules("keepers")],
  },
  {
    name: "failed-commit-said-to-be-done",
    rules: ["B55"],
    change: "steps whose commit failed are answered as if they were on disk",
    file: "packages/sqlite/src/group-commit.ts",
    find: `    for (const { reject } of refused) reject(error);`,
    replace: `    for (const { resolve, value } of refused) resolve(value);
    committing.toError(error);`,
    kills: ["packages/sqlite/src/group-commit.test.ts", ...crossing("durability/full-disk")],
  },
  {
    name: "held-completions-forgotten-by-a-restart",
    rules: ["B56", "B39"],
    change:
      "completions that waited for their heartbeat's spacing wait for ever once the keeper was started again",
    file: "packages/lanekeeper/src/keeper/recovery.ts",
    find: `if (mailbox.quiet > 0) runtime.heartbeats.spacing.recovered(sessionKey);`,
    replace: `if (mailbox.quiet > 0 && mailbox.events > 0) runtime.heartbeats.spacing.recovered(sessionKey);`,
    kills: rules("heartbeat-origin", "recovery"),
  },
  {
    name: "opening-reads-every-batch",
    rules: ["B56", "B18"],
    change: "a keeper reads all the messages of every batch that waits before it is ready",
    file: "packages/sqlite/src/session-rows.ts",
    find: `    const isPaused = (row.marks & marks.paused) !== 0;
    const isExpiring`,
    replace: `    if (!isOfThisClock) return load(sessionKey)!.record();
    const isPaused = (row.marks & marks.paused) !== 0;
    const isExpiring`,
    kills: crossing("durability/ready"),
  },
  {
    name: "every-lane-before-the-first-turn",
    rules: ["B56"],
    change: "no turn starts after a restart before the lanes of all sessions have",
    file: "packages/lanekeeper/src/lanes/resumption.ts",
    find: `const inARow = 64;`,
    replace: `const inARow = 1_000_000;`,
    kills: rules("resumption"),
  },
  {
    name: "lane-started-by-an-old-record",
    rules: ["B8"],
    change: "a lane that something else has started meanwhile is started once more",
    file: "packages/lanekeeper/src/lanes/supervisor.ts",
    find: `!rebuilding.has(sessionKey) && !lanes.has(sessionKey)) start(record);`,
    replace: `!rebuilding.has(sessionKey)) start(record);`,
    also: [
      {
        file: "packages/lanekeeper/src/lanes/supervisor.ts",
        find: `    resumption.drop(sessionKey);
`,
        replace: "",
      },
    ],
    kills: rules("resumption"),
  },
  {
    name: "unkeepable-message-accepted",
    rules: ["B57"],
    change: "a message that JSON would not give back is accepted by a durable store",
    file: "packages/lanekeeper/src/keeper/admission.ts",
    find: `    const unkept = isDurable ? notKeepable`,
    replace: `    const unkept = isDurable && item.type === "event" ? notKeepable`,
    kills: rules("durable"),
  },
  {
    name: "lost-answer-forgotten",
    rules: ["B33"],
    change: "a step whose answer was lost is taken for one that was not done",
    file: "packages/lanekeeper/src/store/store-requests.ts",
    find: `      if (changes !== undefined) host.onLoss(changes);
    };`,
    replace: `      if (changes === "") host.onLoss(changes);
    };`,
    kills: rules("lost-answers"),
  },
  {
    name: "accepted-unheard-never-expires",
    rules: ["B22", "B33"],
    change: "what was accepted although the answer was lost has no expiry",
    file: "packages/lanekeeper/src/store/doubts.ts",
    find: `      if (!open.has(item.seq)) runtime.expiries.watch(item);
`,
    replace: ``,
    kills: rules("lost-answers"),
  },
  {
    name: "forgotten-mailbox-older-than-its-news",
    rules: ["B11", "B33"],
    change: "late news of a session that was forgotten meanwhile counts as newer than that it is empty",
    file: "packages/lanekeeper/src/store/empty-mailbox.ts",
    find: `export function emptyMailbox({ version }: { readonly version: number }): MailboxSummary {`,
    replace: `export function emptyMailbox(_counts: { readonly version: number }, version = 0): MailboxSummary {`,
    kills: crossing("conformance/mailbox-store"),
  },
  {
    name: "taken-store-asked-for-ever",
    rules: ["B59", "B33"],
    change: "a keeper whose store another keeper has now goes on asking it, and never closes itself",
    file: "packages/lanekeeper/src/keeper/create-lanekeeper.ts",
    find: `    queue.post(() => closeItself());`,
    replace: `    queue.post(() => void closeItself);`,
    kills: [...rules("keepers"), ...crossing("durability/holder")],
  },
  {
    name: "journal-not-read-again",
    rules: ["B55"],
    change: "what the journal of a file holds after a crash is taken for nothing",
    file: "packages/sqlite/src/journal.ts",
    find: `      for (const entry of JSON.parse(text) as readonly Entry[]) this.#repeat(entry);
`,
    replace: `      for (const entry of JSON.parse(text) as readonly Entry[])
        if (entry[0] === "session") this.#repeat(entry);
`,
    kills: ["packages/sqlite/src/journal.test.ts", ...crossing("durability/full-disk")],
  },
  {
    name: "journal-forgotten-by-a-failure",
    rules: ["B55", "B57"],
    change: "after a commit that failed, what earlier ones have put into the journal is forgotten",
    file: "packages/sqlite/src/journal.ts",
    find: `    this.#texts = this.#lasting;
    this.#length = 0;
    for`,
    replace: `    this.#texts = [];
    this.#length = 0;
    for`,
    kills: ["packages/sqlite/src/journal.test.ts", "packages/sqlite/src/read-only.test.ts"],
  },
  {
    name: "journal-beside-full-tables",
    rules: ["B57"],
    change: "a file that is nearly full puts off what has to find room in it",
    file: "packages/sqlite/src/journal.ts",
    find: `    if (isTooLong || this.#connection.isTight) {`,
    replace: `    if (isTooLong) {`,
    kills: crossing("durability/full-disk"),
  },
  {
    name: "look-at-what-may-be-undone",
    rules: ["B55"],
    change: "a look at a session is answered before the commit that changes it",
    file: "packages/sqlite/src/sqlite-state.ts",
    find: `session.changedIn !== this.#transaction;`,
    replace: `session.changedIn <= this.#transaction;`,
    kills: crossing("durability/full-disk"),
  },
  {
    name: "journal-missing-its-end",
    rules: ["B57"],
    change: "a journal whose last rows are gone is taken for a whole one",
    file: "packages/sqlite/src/journal-file.ts",
    find: `count !== rows.length`,
    replace: `count < rows.length`,
    kills: crossing("durability/damaged-file"),
  },
  {
    name: "spared-item-forgotten",
    rules: ["B11"],
    change: "an id is not known while its message waits in a queue that memory has no room for",
    file: "packages/sqlite/src/sqlite-session.ts",
    find: `    for (const name of this.#items.keys()) this.#shedNames.add(hashOf(name));
`,
    replace: "",
    kills: ["packages/sqlite/src/spared-items.test.ts"],
  },
  {
    name: "spared-item-behind-later-ones",
    rules: ["B4"],
    change: "what memory had no room for runs after what came later",
    file: "packages/lanekeeper/src/store/mailbox-session.ts",
    find: `      this.#waiting = [...this.#recall(), ...this.#waiting];`,
    replace: `      this.#waiting = [...this.#waiting, ...this.#recall()];`,
    kills: ["packages/sqlite/src/spared-items.test.ts"],
  },
  {
    name: "look-at-a-reread-session",
    rules: ["B55"],
    change: "a session that was changed and dropped within one transaction is shown before its commit",
    file: "packages/sqlite/src/sqlite-state.ts",
    find: `    session.changedIn = this.#transaction;
    this.#memory.makeRoom`,
    replace: `    this.#memory.makeRoom`,
    kills: crossing("durability/full-disk"),
  },
  {
    name: "forgotten-item-comes-back",
    rules: ["B11", "B56"],
    change: "after a restart a message that was withdrawn waits in the place of the one that took its id",
    file: "packages/sqlite/src/sqlite-session.ts",
    find: `      if (held?.isStored === true) this.ended.push(held.seq);
`,
    replace: "",
    kills: crossing("conformance/mailbox-store"),
  },
  {
    name: "opening-with-a-number-of-before",
    rules: ["B18", "B56"],
    change: "a batch's time is told by the clock of a process that is gone",
    file: "packages/sqlite/src/sqlite-state.ts",
    find: `(opening === written.opening || !this.#connection.isWriting)`,
    replace: `(opening === opening || !this.#connection.isWriting)`,
    kills: crossing("durability/clocks"),
  },
  {
    name: "health-by-looks",
    rules: ["B57"],
    change: "a store that takes no changes is told to work again whenever it was read",
    file: "packages/lanekeeper/src/store/store-requests.ts",
    find: `    if (looks === true && isChangeFailing) return;
`,
    replace: `    if (looks === undefined && isChangeFailing) isChangeFailing = false;
`,
    kills: rules("failures"),
  },
];
