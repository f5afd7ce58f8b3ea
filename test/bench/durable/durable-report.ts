import { count, fixed, table } from "../bench-report.ts";
import { median } from "../rounds.ts";
import { atOnce } from "./contenders.ts";
import type { DurableReport } from "./durable-bench.ts";
import { kinds, rateRatio, type Rates, sessionsEach } from "./rates.ts";

/** The report as people read it, ending with a line break. */
export function renderDurableBench(report: DurableReport): string {
  const { rates, missing, recoveries, node, cores, syncMs } = report;
  return [
    `Messages that survive a crash, ${atOnce} senders at once in ${atOnce * sessionsEach} sessions, Node ${node}, ${cores} cores, one sync of this disk takes ${fixed(syncMs)} ms`,
    "",
    ...table([
      ["", "when accepted", "in order", "accepted/s", "turns/s, awaited", "turns/s, backlog"],
      ...rates.map((own) => [
        own.contender.name,
        own.contender.keeps,
        own.contender.isOrdered ? "yes" : "no",
        ...kinds.map((kind) => count(median(own[kind]))),
      ]),
      ...missing.map(({ name }) => [name, "not to be had", "", "", "", ""]),
    ]),
    ...missing.map(({ name, why }) => `  ${name}: ${why}`),
    "",
    "Lanekeeper's rate by that of a peer that keeps as much (medians of the rounds' own ratios)",
    "",
    ...table([["", "accepted", "turns, awaited", "turns, backlog"], ...ratiosOf(rates)]),
    "",
    "Opened after a kill -9 with 100,000 messages accepted and 64 turns running",
    "",
    ...table([
      ["", "ready ms", "first turn ms", "all lanes ms", "MB when ready", "MB at most"],
      ...recoveries.map(({ sessions, messagesEach, found }) => [
        `${count(sessions)} sessions × ${messagesEach}`,
        count(found.readyMs),
        count(found.firstTurnMs),
        count(found.allLanesMs),
        count(found.readyMegabytes),
        count(found.mostMegabytes),
      ]),
    ]),
    "",
    `Took ${report.tookSeconds.toFixed(0)} s. Rates are medians of interleaved rounds.`,
    "",
  ].join("\n");
}

function ratiosOf(rates: readonly Rates[]): readonly (readonly string[])[] {
  const isOurs = ({ contender }: Rates): boolean => contender.name.startsWith("Lanekeeper");
  const rows: string[][] = [];
  for (const own of rates.filter(isOurs)) {
    for (const peer of rates) {
      if (isOurs(peer) || peer.contender.keeps !== own.contender.keeps) continue;
      rows.push([
        `${own.contender.name} : ${peer.contender.name}`,
        ...kinds.map((kind) => fixed(rateRatio(own, peer, kind))),
      ]);
    }
  }
  return rows;
}
