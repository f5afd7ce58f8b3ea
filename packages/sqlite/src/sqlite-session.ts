import { type KnownEntry, knownName, MailboxSession, type StoreCounts } from "lanekeeper/mailboxes";
import type { StoredItem } from "lanekeeper/ports";
import type { SessionRow } from "./session-tables.ts";
import { toPlainSettled } from "./session-text.ts";

/** Where a session finds what it does not have in memory. */
export interface SessionShelf {
  /** How work ended that is remembered by a name. */
  remembered(sessionKey: string, name: string): KnownEntry | undefined;
  /** A body as JSON; null: there is none. */
  encode(body: unknown): string | null;
  /** The open items of a session as they were written last, by `seq`, each with its body as JSON. */
  items(sessionKey: string): readonly ShelvedItem[];
}

/** An item as it was written. */
export interface ShelvedItem {
  readonly item: StoredItem;
  readonly body: string | null;
}

/** What became of a name: an item as it is now, how it ended (as JSON), or nothing any more. */
export type NameChange =
  | { readonly entry: StoredItem }
  | { readonly entry: Exclude<KnownEntry, StoredItem>; readonly data: string }
  | undefined;

/** An item that has a row, or is to have one. */
interface HeldBody {
  readonly seq: number;
  /** As JSON, as it was when it was accepted: whoever has the object may have changed it since. */
  readonly body: string | null;
  /** Whether the file has it. */
  isStored: boolean;
}

/**
 * A session in memory, and what of it is not in the file yet. What is open it has whole; what is remembered is read when it
 * is asked for.
 *
 * I1. `changes` has every name whose entry differs from the file's, with undefined for one that is to go; `ended` has the items
 *     that the file has by a name that is another's now.
 * I2. What is written later was made text when it was said: what the host does with its objects afterwards changes nothing.
 * I3. Of a shed item its name is known, or may be: whoever asks for one that may be gets all that was shed back.
 */
export class SqliteSession extends MailboxSession {
  readonly changes = new Map<string, NameChange>();
  readonly bodies = new Map<string, HeldBody>();
  /** Items that have ended, and whose names others have that were accepted since: the file still has them. */
  readonly ended: number[] = [];
  /** Its row as it was written last; undefined: it has none. */
  row: SessionRow | undefined = undefined;
  /** Whether anybody has asked for it since it was last looked at whether it may be dropped. */
  isUsed = false;
  /** The transaction that changes it, may have done so before it was read, or was the last to. */
  changedIn = 0;
  /** Whether the file is known to remember nothing of it. */
  remembersNone = false;
  /** About how many bytes its open items take. */
  size = 0;
  /** What of it counts as taken in memory. */
  weight = 0;
  readonly #items = new Map<string, StoredItem>();
  /** Hashes of the names of what was shed. */
  readonly #shedNames = new Set<number>();
  readonly #shelf: SessionShelf;

  constructor(
    sessionKey: string,
    incarnation: number,
    counts: StoreCounts,
    usedAt: number,
    shelf: SessionShelf,
  ) {
    super(sessionKey, incarnation, counts, usedAt);
    this.#shelf = shelf;
  }

  /** Takes an item as the file has it. */
  load(name: string, item: StoredItem, body: string | null): void {
    this.#items.set(name, item);
    this.#hold(name, { seq: item.seq, body, isStored: true });
  }

  /** Lets go of the body of an item that is open no more. */
  release(name: string): void {
    this.size -= sizeOf(this.bodies.get(name));
    this.bodies.delete(name);
  }

  override knownAs(name: string): KnownEntry | undefined {
    if (this.changes.has(name)) return this.changes.get(name)?.entry;
    if (this.#shedNames.has(hashOf(name)) && !this.#items.has(name)) void this.waiting;
    const item = this.#items.get(name);
    return item ?? (this.remembersNone ? undefined : this.#shelf.remembered(this.sessionKey, name));
  }

  override know(name: string, entry: KnownEntry): void {
    if ("outcome" in entry) {
      this.remembersNone = false;
      this.changes.set(name, { entry, data: JSON.stringify(toPlainSettled(entry)) });
      this.#items.delete(name);
      return;
    }
    const { seq, body } = entry;
    const held = this.bodies.get(name);
    if (held?.seq !== seq) {
      // The name was that of an item that has ended since the last commit.
      if (held?.isStored === true) this.ended.push(held.seq);
      this.release(name);
      this.#hold(name, { seq, body: this.#shelf.encode(body), isStored: false });
    }
    this.changes.set(name, { entry });
    this.#items.set(name, entry);
  }

  override unknow(name: string): void {
    this.changes.set(name, undefined);
    this.#items.delete(name);
  }

  /** Whether there is anything that it can let go of and go on without. */
  get maySpareItems(): boolean {
    return this.waitingCount > this.shedCount && this.isPlain && this.open === undefined;
  }

  /** Lets go of what waits, all of which is written, until somebody looks at it. */
  spareItems(): void {
    for (const name of this.#items.keys()) this.#shedNames.add(hashOf(name));
    this.#items.clear();
    this.bodies.clear();
    this.size = shedBytes * this.#shedNames.size;
    this.shed(() => this.#readShed());
  }

  #readShed(): readonly StoredItem[] {
    const items: StoredItem[] = [];
    for (const { item, body } of this.#shelf.items(this.sessionKey)) {
      const name = knownName(item);
      // What came since is in memory.
      if (this.#items.has(name)) continue;
      this.load(name, item, body);
      items.push(item);
    }
    this.size -= shedBytes * this.#shedNames.size;
    this.#shedNames.clear();
    return items.toSorted((one, other) => other.ahead - one.ahead || one.seq - other.seq);
  }

  #hold(name: string, held: HeldBody): void {
    this.bodies.set(name, held);
    this.size += sizeOf(held);
  }
}

/** About how many bytes an item takes in memory, without its body. */
const itemBytes = 512;
/** And what is left of one that was shed. */
const shedBytes = 32;

function sizeOf(held: HeldBody | undefined): number {
  return held === undefined ? 0 : itemBytes + 2 * (held.body?.length ?? 0);
}

function hashOf(name: string): number {
  let hash = 0;
  for (let index = 0; index < name.length; index++) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0;
  return hash;
}
