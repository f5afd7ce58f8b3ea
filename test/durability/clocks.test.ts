import { sqliteStore } from "@lanekeeper/sqlite";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { accept, message } from "../conformance/mailbox-store-fixture.ts";
import { temporaryFolder } from "../conformance/temporary-store.ts";

const startAt = Date.UTC(2026, 4, 12);

it("B57 counts a batch's time from its acceptance, also after a life in which its session was only paused", async () => {
  const path = join(temporaryFolder(), "store.db");
  /** The store of a process that starts so many milliseconds after the first. */
  const live = async (afterMs: number) => {
    const store = sqliteStore(path);
    onTestFinished(() => store.close());
    const clock = createSimulatedClock({ startAt: startAt + afterMs });
    return { store, mailboxes: await store.open({ clock, createId: () => "made" }) };
  };
  const first = await live(0);
  await accept(first.mailboxes, message("s", "a", "a", { mode: "collect" }));
  await first.store.close();

  const second = await live(1_000);
  await second.mailboxes.pause("s", true);
  expect((await second.mailboxes.session("s")).mailbox.batch).toMatchObject({ firstMono: -1_000 });
  await second.store.close();

  const third = await live(5_000);
  expect((await third.mailboxes.session("s")).mailbox.batch).toMatchObject({ firstMono: -5_000 });
});
