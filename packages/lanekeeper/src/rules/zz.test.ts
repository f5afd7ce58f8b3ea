import { expect, test } from "vitest";
import { createFixture } from "./fixture.ts";
import { failingStore } from "./failing-store.ts";

test("pending at close", async () => {
  const store = failingStore();
  const { keeper, clock } = await createFixture({ store });


  await clock.settle();
  store.fail(["append", "session", "page", "withdraw", "pause", "execution", "recordExecution", "find", "unfinished", "deadLetters", "openTurn", "restart"], "hangs");
  const calls: Record<string, Promise<unknown>> = {
    send: keeper.send("a", 1), notify: keeper.notify("a", {kind: "n"}), attach: keeper.attach("a", "id"), exec: keeper.exec("a", "b"), expect: keeper.expectExec("a", "j"),
    report: keeper.reportExec({execId: "j", sessionKey: "a", exitCode: 0}), sessions: keeper.sessions(), mailbox: keeper.mailbox("a"), dl: keeper.deadLetters(), clear: keeper.clear("a"), reset: keeper.reset("a"), resetx: keeper.reset("x"), abort: keeper.abort("x"), pause: keeper.pause("a"),
  };
  const settled: Record<string, string> = {};
  for (const [name, p] of Object.entries(calls)) p.then((v) => settled[name] = "ok " + JSON.stringify(v), (e) => settled[name] = e.code ?? String(e));
  await clock.settle();
  const c = keeper.close().then(() => "closed");
  let at = 0;
  for (let i = 0; i < 100; i++) { await clock.advance(1000); }
  console.log(settled, Object.keys(calls).filter((n) => !(n in settled)));
  console.log(await Promise.race([c, Promise.resolve("not closed")]));
});
