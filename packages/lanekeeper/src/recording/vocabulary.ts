import { encodeText } from "./encoding.ts";

/**
 * What a recording has said before: long texts, and items of the store, which come up again and again.
 *
 * I1. Writer and reader count alike: a text when it is written in full, an item by its `seq`, as it was written last.
 * I2. The writer forgets what has not come up for long, and writes it in full again.
 */

/** Characters from which a text is remembered. */
const longText = 48;
/** Texts and items that the writer remembers. */
const mostTexts = 1_024;
const mostItems = 16_384;

/** What the writer remembers. */
export class Vocabulary {
  readonly #texts = new Map<string, number>();
  readonly #items = new Map<number, { object: object; readonly text: string }>();
  #count = 0;
  /** What the value that is being written has added. */
  #newTexts: string[] = [];
  #newItems: number[] = [];

  /** What stands for a text that was written; undefined if it is to be written now. */
  referenceTo(text: string): string | undefined {
    if (text.length < longText) return undefined;
    const known = this.#texts.get(text);
    if (known !== undefined) return `~r${known}`;
    this.#texts.set(text, this.#count++);
    this.#newTexts.push(text);
    if (this.#texts.size > mostTexts) this.#texts.delete(firstOf(this.#texts));
    return undefined;
  }

  /** The same for an item of the store; undefined also for what is none. */
  referenceToItem(value: object): string | undefined {
    const seq = seqOf(value);
    if (seq === undefined) return undefined;
    const known = this.#items.get(seq);
    if (known?.object === value) return `~i${seq}`;
    const text = encodeText(value);
    if (known?.text === text) {
      known.object = value;
      return `~i${seq}`;
    }
    this.#items.delete(seq);
    this.#items.set(seq, { object: value, text });
    this.#newItems.push(seq);
    if (this.#items.size > mostItems) this.#items.delete(firstOf(this.#items));
    return undefined;
  }

  /** What was said last is written. */
  keep(): void {
    if (this.#newTexts.length > 0) this.#newTexts = [];
    if (this.#newItems.length > 0) this.#newItems = [];
  }

  /** How much has been added to what was said last. */
  get mark(): { readonly texts: number; readonly items: number } {
    return { texts: this.#newTexts.length, items: this.#newItems.length };
  }

  /** What was said since is not written after all. */
  forget({ texts, items } = { texts: 0, items: 0 }): void {
    const unsaid = this.#newTexts.splice(texts);
    for (const text of unsaid) this.#texts.delete(text);
    for (const seq of this.#newItems.splice(items)) this.#items.delete(seq);
    this.#count -= unsaid.length;
  }
}

/** What the reader has read. */
export class Lexicon {
  readonly #texts: string[] = [];
  readonly #items = new Map<number, object>();

  /** Notes a text that was written in full. */
  note(text: string): void {
    if (text.length >= longText) this.#texts.push(text);
  }

  /** Notes an object, if it is an item. */
  noteItem(value: object): void {
    const seq = seqOf(value);
    if (seq !== undefined) this.#items.set(seq, value);
  }

  /** The text that a number stands for. Throws if there is none. */
  text(number: number): string {
    return orThrow(this.#texts[number]);
  }

  /** The item that a number stands for. Throws if there is none. */
  item(seq: number): object {
    return orThrow(this.#items.get(seq));
  }
}

function seqOf(value: object): number | undefined {
  const { seq, id } = value as { readonly seq?: unknown; readonly id?: unknown };
  return typeof seq === "number" && typeof id === "string" ? seq : undefined;
}

function firstOf<Key>(map: ReadonlyMap<Key, unknown>): Key {
  const [first] = map.keys();
  return first!;
}

function orThrow<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError("It stands for something that was never written.");
  return value;
}
