import * as fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DatabaseFile, openDatabaseFile } from "./database-file.ts";
import { Journal } from "./journal.ts";
import { openJournalFile } from "./journal-file.ts";
import { type ItemRow, openSessionTables, type RememberedRow, type SessionRow } from "./session-tables.ts";

const keys = ["a", "a:b", "é"];
const names = ["x", " y"];

/** What a file is to hold. */
interface Model {
  readonly sessions: Map<string, SessionRow>;
  readonly items: Map<string, Map<number, ItemRow>>;
  readonly remembered: Map<string, RememberedRow>;
}

function copyOf({ sessions, items, remembered }: Model): Model {
  return {
    sessions: new Map(sessions),
    items: new Map([...items].map(([key, rows]) => [key, new Map(rows)])),
    remembered: new Map(remembered),
  };
}

/** An opened file with its journal, as whoever reads it sees it. */
function open(path: string, maxBytes: number | undefined) {
  const file = openDatabaseFile(path, { durability: "normal", maxBytes });
  const { connection } = file;
  const tables = openSessionTables(connection);
  const journal = new Journal(connection, tables, openJournalFile(connection));
  return { file, connection, tables, journal };
}

function rowOf(marks: number, data: string): SessionRow {
  return { waiting: 1, held: 0, marks, used_at: 1.5, used_hour: 2, opening: 3, data };
}

function expectToHold(journal: Journal, { sessions, items, remembered }: Model): void {
  const inOrder = [...sessions].toSorted(([one], [other]) => (one < other ? -1 : 1));
  for (const key of keys) {
    expect(journal.session(key)).toEqual(sessions.get(key));
    const rows = [...(items.get(key)?.values() ?? [])].toSorted((one, other) => one.seq - other.seq);
    expect(journal.items(key)).toEqual(rows);
    for (const { seq, data } of rows) expect(journal.item(key, seq)).toMatchObject({ seq, data });
    for (const name of names) expect(journal.remembered(key, name)).toEqual(remembered.get(`${key} ${name}`));
  }
  for (const mask of [0, 1, 2]) {
    const meant = inOrder.filter(([, row]) => mask === 0 || (row.marks & mask) !== 0);
    const page = journal.page({ prefix: "a", after: "", limit: 2, mask });
    expect(page.filter(({ key }) => key.startsWith("a")).map(({ key, row }) => [key, row])).toEqual(
      meant.filter(([key]) => key.startsWith("a")),
    );
    expect(journal.page({ prefix: "", after: "a", limit: 1, mask }).map(({ key }) => key)).toEqual(
      meant
        .map(([key]) => key)
        .filter((key) => key > "a")
        .slice(0, 1),
    );
  }
}

const anyKey = fc.constantFrom(...keys);
const anyName = fc.constantFrom(...names);
const anyText = fc.jsonValue({ maxDepth: 1 }).map((value) => JSON.stringify(value));
const step = fc.oneof(
  fc.record({ do: fc.constant("session" as const), key: anyKey, marks: fc.nat({ max: 3 }), text: anyText }),
  fc.record({ do: fc.constant("item" as const), key: anyKey, text: anyText, body: fc.option(anyText) }),
  fc.record({ do: fc.constant("change" as const), key: anyKey, text: anyText }),
  fc.record({ do: fc.constant("end" as const), key: anyKey }),
  fc.record({ do: fc.constant("remember" as const), key: anyKey, name: anyName, text: anyText }),
  fc.record({ do: fc.constant("forget" as const), key: anyKey, name: anyName }),
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("commit" as const, "commit" as const, "flush" as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("undo" as const, "reopen" as const) }) },
);

describe.each([
  { where: "with plenty of space", maxBytes: undefined },
  { where: "where space is short", maxBytes: 4 * 1_048_576 },
])("B55 the journal of a file $where", ({ maxBytes }) => {
  it("says with the tables what was written, through commits, failures and restarts", () => {
    const folder = mkdtempSync(join(tmpdir(), "lanekeeper-"));
    let opened: DatabaseFile | undefined;
    onTestFinished(() => {
      opened?.close();
      rmSync(folder, { recursive: true });
    });
    let files = 0;
    let looks = 0;
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const path = join(folder, `${files++}.db`);
        let { file, connection, journal } = open(path, maxBytes);
        opened = file;
        let model: Model = { sessions: new Map(), items: new Map(), remembered: new Map() };
        let lasting = copyOf(model);
        let seq = 0;
        for (const taken of steps) {
          switch (taken.do) {
            case "session": {
              const { key, marks, text } = taken;
              const before = journal.session(key);
              journal.putSession(key, rowOf(marks, text), before);
              model.sessions.set(key, rowOf(marks, text));
              break;
            }
            case "item": {
              const { key, text, body } = taken;
              const row = { seq: ++seq, body, data: text };
              journal.insertItem(key, row);
              model.items.set(key, (model.items.get(key) ?? new Map<number, ItemRow>()).set(row.seq, row));
              break;
            }
            case "change": {
              const { key, text } = taken;
              const [row] = model.items.get(key)?.values() ?? [];
              if (row === undefined) break;
              journal.updateItem(key, row.seq, text);
              model.items.get(key)!.set(row.seq, { ...row, data: text });
              break;
            }
            case "end": {
              const { key } = taken;
              const [row] = model.items.get(key)?.values() ?? [];
              if (row === undefined) break;
              journal.removeItem(key, row.seq);
              model.items.get(key)!.delete(row.seq);
              break;
            }
            case "remember": {
              const { key, name, text } = taken;
              journal.putRemembered(key, name, { forget_at: 4.5, data: text });
              model.remembered.set(`${key} ${name}`, { forget_at: 4.5, data: text });
              break;
            }
            case "forget":
              journal.removeRemembered(taken.key, taken.name);
              model.remembered.delete(`${taken.key} ${taken.name}`);
              break;
            case "flush":
              journal.flush();
              break;
            case "commit":
              journal.write();
              connection.commit();
              journal.committed();
              lasting = copyOf(model);
              break;
            case "undo":
              journal.restore();
              connection.rollback();
              model = copyOf(lasting);
              break;
            case "reopen":
              connection.rollback();
              file.close();
              ({ file, connection, journal } = open(path, maxBytes));
              opened = file;
              model = copyOf(lasting);
          }
          expectToHold(journal, model);
          looks++;
        }
        file.close();
        opened = undefined;
      }),
      { numRuns: 60 },
    );
    expect(looks).toBeGreaterThan(60);
  });
});

describe("the journal", () => {
  it("keeps what has ended again out of the tables, and brings the rest into them once it is long", () => {
    const folder = mkdtempSync(join(tmpdir(), "lanekeeper-"));
    const { file, connection, tables, journal } = open(join(folder, "store.db"), undefined);
    onTestFinished(() => {
      file.close();
      rmSync(folder, { recursive: true });
    });
    const commit = (): void => {
      journal.write();
      connection.commit();
      journal.committed();
    };
    journal.insertItem("a", { seq: 1, body: null, data: "{}" });
    journal.insertItem("a", { seq: 2, body: null, data: "{}" });
    commit();
    journal.removeItem("a", 1);
    commit();
    expect(tables.items("a")).toEqual([]);
    expect(journal.items("a")).toEqual([{ seq: 2, body: null, data: "{}" }]);

    const long = JSON.stringify("x".repeat(300_000));
    for (let seq = 3; seq < 6; seq++) {
      journal.insertItem("b", { seq, body: long, data: "{}" });
      commit();
    }
    expect([tables.items("a"), tables.items("b")]).toEqual([[], []]);
    journal.insertItem("b", { seq: 6, body: long, data: "{}" });
    commit();
    expect(tables.items("a").map(({ seq }) => seq)).toEqual([2]);
    expect(tables.items("b").map(({ seq }) => seq)).toEqual([3, 4, 5, 6]);
    expect(connection.database.prepare("SELECT count(*) AS rows FROM journal").get()).toEqual({ rows: 0 });
  });
});
