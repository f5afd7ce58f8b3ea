import type { SessionView } from "../seeing/views.ts";

/**
 * A table of sessions in the order of their keys.
 *
 * I1. A table never changes; a changed one is another, which shares with it all but the blocks that changed.
 * I2. No block is empty, none has more than `blockRows` rows, and all rows of one come before those of the next.
 */
export class SessionTable implements ReadonlyMap<string, SessionView> {
  readonly #blocks: readonly Block[];
  readonly size: number;

  private constructor(blocks: readonly Block[], size: number) {
    this.#blocks = blocks;
    this.size = size;
  }

  /** A table without sessions. */
  static readonly empty: SessionTable = new SessionTable([], 0);

  /** The table with other rows; undefined takes one out. Costs a few microseconds a row, however long the table is. */
  with(changes: ReadonlyMap<string, SessionView | undefined>): SessionTable {
    const blocks = [...this.#blocks];
    const own = new Set<Block>();
    let { size } = this;
    for (const [sessionKey, row] of changes) {
      const at = blockFor(blocks, sessionKey);
      const before = blocks[at] ?? [];
      const place = placeOf(before, sessionKey);
      const isKnown = before[place]?.sessionKey === sessionKey;
      if (row === undefined && !isKnown) continue;
      const block = own.has(before) ? before : [...before];
      if (row === undefined) block.splice(place, 1);
      else block.splice(place, isKnown ? 1 : 0, row);
      size += (row === undefined ? 0 : 1) - (isKnown ? 1 : 0);
      own.add(block);
      blocks[at] = block;
      if (block.length === 0) blocks.splice(at, 1);
      if (block.length <= blockRows) continue;
      // Keys often come in order: then the first part stays as full as it is.
      const rest = block.splice(place === blockRows ? blockRows : blockRows / 2);
      own.add(rest);
      blocks.splice(at + 1, 0, rest);
    }
    return new SessionTable(blocks, size);
  }

  get(sessionKey: string): SessionView | undefined {
    const block = this.#blocks[blockFor(this.#blocks, sessionKey)];
    const row = block?.[placeOf(block, sessionKey)];
    return row?.sessionKey === sessionKey ? row : undefined;
  }

  has(sessionKey: string): boolean {
    return this.get(sessionKey) !== undefined;
  }

  forEach(
    callback: (row: SessionView, sessionKey: string, table: ReadonlyMap<string, SessionView>) => void,
    thisArgument?: unknown,
  ): void {
    for (const block of this.#blocks) {
      for (const row of block) callback.call(thisArgument, row, row.sessionKey, this);
    }
  }

  values(): MapIterator<SessionView> {
    return this.#each((row) => row);
  }

  keys(): MapIterator<string> {
    return this.#each(({ sessionKey }) => sessionKey);
  }

  entries(): MapIterator<[string, SessionView]> {
    return this.#each((row) => [row.sessionKey, row]);
  }

  [Symbol.iterator](): MapIterator<[string, SessionView]> {
    return this.entries();
  }

  /** A generator would be shorter and many times slower. */
  #each<T>(pick: (row: SessionView) => T): MapIterator<T> {
    const picked: T[] = [];
    for (const block of this.#blocks) for (const row of block) picked.push(pick(row));
    return picked.values();
  }

  /** Prints as the map it is. */
  [Symbol.for("nodejs.util.inspect.custom")](): ReadonlyMap<string, SessionView> {
    return new Map(this);
  }
}

type Block = SessionView[];

/** Rows of a full block. */
const blockRows = 64;

/** The last block that begins at or before a key; the first if none does. */
function blockFor(blocks: readonly Block[], sessionKey: string): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (blocks[middle]![0]!.sessionKey <= sessionKey) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** Where a key is, or would be, in a block. */
function placeOf(block: Block, sessionKey: string): number {
  let low = 0;
  let high = block.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (block[middle]!.sessionKey < sessionKey) low = middle + 1;
    else high = middle;
  }
  return low;
}
