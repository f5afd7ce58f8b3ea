/**
 * 05 Commands. A short command belongs to its turn; a long one comes back later, to the session that started it.
 *
 * A foreground command's output is progress and its result goes to `done`; it is killed when its turn is aborted (B38a).
 * A background command outlives the turn: its completion is an event of that session and of no other, also where it was
 * announced and ran elsewhere (B34, B35). No shell is involved (B38).
 */
import assert from "node:assert/strict";
import { createLanekeeper, type ExecCompletion, ofType } from "lanekeeper";

const chat = "agent:main:alice";
const completions: string[] = [];
const built = Promise.withResolvers<void>();

const keeper = await createLanekeeper<string, string>({
  exec: { timeoutMs: 600_000 }, // then SIGTERM, and `killGraceMs` later SIGKILL, to its whole process group
  turn: async (turn) => {
    for (const { kind, body } of turn.events) {
      if (kind !== "exec.completed") continue;
      const { status, output } = body as ExecCompletion;
      completions.push(`${turn.sessionKey} sees ${status}: ${output.trim()}`);
      built.resolve();
    }
    switch (turn.messages.map(({ body }) => body).join()) {
      case "which node?": {
        const script = 'console.log("looking"); console.log(process.version);';
        const command = await turn.exec(process.execPath, ["-e", script], { foreground: true });
        const { status, output } = await command.done; // never rejects
        // Its output was progress: a long command that talks is not taken for a hung turn.
        const { startedAt, lastProgressAt } = keeper.session(turn.sessionKey)!.turn!;
        assert.ok(lastProgressAt > startedAt);
        return `${status}: ${output.trim().split("\n").at(-1)}`;
      }
      case "watch": {
        const script = "setInterval(() => {}, 1000)"; // never ends by itself
        const command = await turn.exec(process.execPath, ["-e", script], { foreground: true });
        await command.done;
        return "unreachable: the turn was told to stop";
      }
      case "build":
        await turn.exec("echo", ["built in", "$HOME"]); // in the background; no shell expands $HOME
        return "the build has started";
      default:
        return "noted";
    }
  },
});

// Foreground: the turn waits for it, and its end is no event.
assert.equal(await (await keeper.send(chat, "which node?")).reply(), `completed: ${process.version}`);
assert.deepEqual(completions, []);

// Background: the turn ends at once; the completion waits while the session is busy and starts a turn where it is idle.
assert.equal(await (await keeper.send(chat, "build")).reply(), "the build has started");
await built.promise;
assert.deepEqual(completions, [`${chat} sees completed: built in $HOME`]);

// Elsewhere, say in CI: announce it, report it. The same report twice is taken once.
await keeper.expectExec(chat, "ci-42", { timeoutMs: 3_600_000 }); // unreported by then: the session is told it is lost
const result = await keeper.reportExec({ execId: "ci-42", exitCode: 1, output: "2 tests failed" });
assert.ok(result.routed);
await result.receipt.outcome; // a turn has seen it
assert.equal(completions.at(-1), `${chat} sees failed: 2 tests failed`);
const again = await keeper.reportExec({ execId: "ci-42", exitCode: 1 });
assert.deepEqual(again, { routed: false, reason: "duplicate" });

// Aborting the turn kills its foreground command. What cannot be started is an error, and no event.
const killed = new Promise((resolve) => {
  keeper.events$.pipe(ofType("exec.completed")).subscribe(({ status }) => resolve(status));
});
keeper.events$.pipe(ofType("exec.started")).subscribe(({ sessionKey }) => {
  void keeper.abort(sessionKey, "enough");
});
const watching = await keeper.send(chat, "watch");
assert.deepEqual(await watching.outcome, { status: "cancelled", reason: "aborted" });
assert.equal(await killed, "killed");
await assert.rejects(keeper.exec(chat, "no-such-command"), { code: "EXEC_FAILED" });

await keeper.close();
