import type { LaneEvent } from "@lanekeeper/machines";
import type { Lane } from "./lane.ts";
import { LiveTurn } from "../turns/live-turn.ts";
import { quietInMs } from "./quiet-time.ts";
import { originOf } from "../heartbeats/origin.ts";
import type { DueHeartbeat } from "../heartbeats/heartbeats.ts";
import type { Runtime } from "../keeper/runtime.ts";
import { type Selection, selectTurn } from "../turns/selection.ts";
import type {
  Answer,
  OpenTurnResult,
  SessionRecord,
  Settlement,
  SettleResult,
  StoredItem,
} from "../store/store.ts";

/**
 * The opening of a lane's next turn: what it is to hold is chosen here, and the store gives it.
 *
 * I1. Asked again after a lost answer, it opens the turn it has asked for before: `openingTurnId` is kept until then. Where
 *     what waits now may not start on its slot, it is asked for with nothing: the store gives what it had opened, or an empty
 *     turn.
 * I2. A turn that holds nothing, and that no wake or heartbeat asks for, is given back: what it was to hold has ended.
 */
interface Opening {
  readonly lane: Lane;
  readonly sendBack: (event: LaneEvent) => void;
  triesLeft: number;
  wake: { readonly isDue: boolean; readonly attempts: number };
  heartbeat: DueHeartbeat | undefined;
  selection: Selection | undefined;
  /** Whether it may not start yet: what came first when the lane asked for its slot has ended since. */
  isEarly: boolean;
  /** Whether the turn was asked for before. */
  isRepeated: boolean;
  /** Whether it is asked for with nothing, and is given back if it is empty. */
  isProbing: boolean;
  turnId: string;
  isOver: boolean;
}

/** Clocks may fire a fraction of a millisecond early. */
const slackMs = 0.5;
/** Tries of a step whose work the mailbox changed under it. */
const openTries = 3;
const noWake = { isDue: false, attempts: 0 } as const;
const withdrawn = { type: "heartbeat.withdrawn" } as const;
const failure = { type: "store.failed" } as const;
const unconfirmed = { type: "turn.unconfirmed" } as const;

/** Creates the lanes' effect that lets the store open a turn; it tells whether the store has said at once what comes of it. */
export function createOpenings(
  runtime: Runtime,
): (lane: Lane, sendBack: (event: LaneEvent) => void) => boolean {
  const { mailboxes, settings } = runtime;

  const begin = (opening: Opening): void => runtime.look(askWaiting, choose, fail, opening);
  const askWaiting = ({ lane }: Opening): Answer<readonly StoredItem[]> => mailboxes.waiting(lane.sessionKey);
  const fail = (_: unknown, opening: Opening): void => {
    opening.isOver = true;
    opening.sendBack(opening.lane.openingTurnId === undefined ? failure : unconfirmed);
  };

  const choose = (waiting: readonly StoredItem[], opening: Opening): void => {
    const { lane } = opening;
    if (lane.isOver) return;
    const { wakes } = runtime;
    const { sessionKey } = lane;
    opening.isRepeated = lane.openingTurnId !== undefined;
    opening.wake = { isDue: wakes.isDue(sessionKey), attempts: wakes.attempts(sessionKey) };
    opening.heartbeat = runtime.heartbeats.due(sessionKey);
    opening.selection = selectTurn(waiting, lane.options, opening.wake, opening.heartbeat);
    // It may have waited until its active hours were over (B44).
    if (opening.selection?.cause === "heartbeat" && runtime.heartbeats.admit(sessionKey) === undefined) {
      opening.heartbeat = opening.selection = undefined;
      opening.sendBack(withdrawn);
    }
    const { selection } = opening;
    const isOtherGroup = selection !== undefined && !countsIn(lane, groupOf(selection, opening));
    opening.isEarly = selection !== undefined && (backsOff(selection, lane) || !hasHadQuiet(selection, lane));
    opening.isProbing = opening.isRepeated && (isOtherGroup || opening.isEarly);
    if (!opening.isRepeated && (selection === undefined || isOtherGroup || opening.isEarly)) {
      runtime.look(askSession, withhold, fail, opening);
      return;
    }
    openSelected(opening);
  };
  const openSelected = (opening: Opening): void => {
    const { lane, selection } = opening;
    if (lane.openingTurnId === undefined) {
      lane.openingTurnId = settings.createId();
      lane.openingGroup = selection && groupOf(selection, opening);
    }
    opening.turnId = lane.openingTurnId;
    runtime.ask(askTurn, opened, fail, opening);
  };
  const askTurn = ({ lane, turnId, selection, heartbeat, isProbing }: Opening): Answer<OpenTurnResult> => {
    const { sessionKey } = lane;
    const seqs = selection === undefined || isProbing ? [] : selection.items.map(({ seq }) => seq);
    if (selection?.cause !== "heartbeat") return mailboxes.openTurn({ sessionKey, turnId, seqs });
    return mailboxes.openTurn({ sessionKey, turnId, seqs, yields: heartbeat?.preemptible });
  };
  const opened = (result: OpenTurnResult, opening: Opening): void => {
    const { lane, turnId: id, wake, heartbeat } = opening;
    if (lane.isOver) return;
    if (result.status === "changed") {
      // It is known not to be open: nothing is to be asked for again.
      lane.openingTurnId = undefined;
      if (--opening.triesLeft > 0) begin(opening);
      else fail(undefined, opening);
      return;
    }
    const { items, steering, dropped, fencingToken, incarnation, mailbox } = result;
    const chosen = opening.isRepeated ? selectTurn(items, lane.options, wake, heartbeat) : opening.selection;
    const isEmptyProbe = opening.isProbing && items.length === 0;
    if (isEmptyProbe || (chosen === undefined && !wake.isDue)) {
      giveBack(fencingToken, items, opening);
      return;
    }
    lane.openingTurnId = undefined;
    opening.isOver = true;
    lane.storeAnswered();
    lane.incarnation = incarnation;
    const cause = chosen?.cause ?? "wake";
    const attempt = chosen?.attempt ?? wake.attempts + 1;
    const turn = new LiveTurn(runtime, lane, {
      id,
      cause,
      attempt,
      fencingToken,
      items,
      dropped,
      incarnation,
      origin: originOf(cause, items, runtime.wakes.originOf(lane.sessionKey)),
    });
    for (const item of steering) turn.steering.add(item);
    lane.turn = turn;
    const { startedAt } = turn;
    const isHeartbeat = cause === "heartbeat";
    const laneTurn = isHeartbeat
      ? { id, cause, attempt, startedAt, preemptible: heartbeat?.preemptible === true }
      : { id, cause, attempt, startedAt };
    opening.sendBack({ type: "turn.opened", turn: laneTurn, mailbox });
  };

  const giveBack = (fencingToken: bigint, items: readonly StoredItem[], opening: Opening): void => {
    const { lane, turnId } = opening;
    const { sessionKey, options } = lane;
    const settlement: Settlement = {
      sessionKey,
      turnId,
      fencingToken,
      // Events that may start no turn by themselves: what they were to ride with is gone.
      dispositions: items.map(({ seq, retryAt }) => ({ seq, fate: "return", retryAt, counts: "nothing" })),
      dedupeMs: options.dedupeMs,
      steering: "released",
      hasToldDropped: false,
    };
    const over = ({ mailbox }: SettleResult): void => {
      if (lane.isOver) return;
      lane.openingTurnId = undefined;
      opening.isOver = true;
      opening.sendBack({ type: "turn.withheld", mailbox });
    };
    runtime.ask(
      () => mailboxes.settleTurn(settlement),
      over,
      (error) => fail(error, opening),
    );
  };

  const askSession = ({ lane }: Opening): Answer<SessionRecord> => mailboxes.session(lane.sessionKey);
  const withhold = ({ mailbox }: SessionRecord, opening: Opening): void => {
    if (opening.selection !== undefined) {
      // Its slot is of another group than the turn would be: claimed anew, unless nothing new is known of the group. What
      // came since it was looked at may be of the slot's group.
      const isHeartbeat = opening.selection.cause === "heartbeat";
      if (!opening.isEarly && !isHeartbeat && countsIn(opening.lane, mailbox.group ?? undefined)) {
        if (--opening.triesLeft > 0) begin(opening);
        else openSelected(opening);
        return;
      }
      opening.isOver = true;
      opening.sendBack({ type: "turn.withheld", mailbox });
      return;
    }
    // A mailbox that claims work but gives none, or that is older than what the lane was told, would be asked for ever: that
    // is a store that fails.
    const isOutdated = mailbox.version < opening.lane.snapshot.context.mailbox.version;
    if (mailbox.messages + mailbox.events > 0 || isOutdated) {
      fail(undefined, opening);
      return;
    }
    opening.isOver = true;
    opening.sendBack({ type: "turn.withheld", mailbox });
  };

  /** Whether what comes first failed before and may not be tried again yet (B31): the lane knows which backoff is over. */
  const backsOff = ({ cause, items }: Selection, lane: Lane): boolean => {
    const retryAt = cause === "message" ? items[0]?.retryAt : lastRetryAt(items);
    return retryAt !== undefined && retryAt !== lane.snapshot.context.elapsedRetryAt;
  };
  /** Whether a turn may start with its messages: what is no fresh batch may, one that is full, and one after its quiet. */
  const hasHadQuiet = ({ items }: Selection, lane: Lane): boolean => {
    const [head] = items;
    if (head?.type !== "message" || head.mode !== "collect" || head.lastTurnId !== undefined) return true;
    if (head.seq === lane.snapshot.context.quietBatch) return true;
    const messages = items.filter(({ type }) => type === "message");
    if (messages.length >= lane.options.cap) return true;
    const batch = { firstMono: head.acceptedMono, lastMono: messages.at(-1)!.acceptedMono };
    return quietInMs(batch, lane.options, settings.clock.monotonic()) <= slackMs;
  };
  /** A heartbeat's turn is of its own group, whatever events it takes along; another of its first item's (B12). */
  const groupOf = ({ cause, items }: Selection, { heartbeat }: Opening): string | undefined =>
    cause === "heartbeat" ? heartbeat?.group : items[0]?.group;
  /** Whether a turn of a group counts in it on the slot that the lane was given (B12); on a borrowed slot every turn does (B10a). */
  const countsIn = ({ claim }: Lane, group: string | undefined): boolean => {
    const defined = group !== undefined && runtime.capacity.groups.has(group) ? group : undefined;
    return claim === undefined || claim.isBorrowed || claim.countsIn === defined;
  };

  return (lane, sendBack) => {
    const opening: Opening = {
      lane,
      sendBack,
      triesLeft: openTries,
      wake: noWake,
      heartbeat: undefined,
      selection: undefined,
      isEarly: false,
      isRepeated: false,
      isProbing: false,
      turnId: "",
      isOver: false,
    };
    begin(opening);
    return opening.isOver;
  };
}

/** When the last of several items may be tried again. */
function lastRetryAt(items: readonly StoredItem[]): number | undefined {
  let at: number | undefined;
  for (const { retryAt } of items) if (retryAt !== undefined) at = Math.max(at ?? 0, retryAt);
  return at;
}
