import { describe, expect, it } from "vitest";
import { layOut } from "./chart-layout.ts";
import { chartOf } from "./chart-model.ts";
import { collide, isNear, segmentsOf, touches } from "./geometry.ts";
import { sampleMachine } from "./sample.machine.ts";

const placed = await layOut(chartOf(sampleMachine));
const leaves = placed.states.filter(({ state }) => state.states.length === 0);
const labels = placed.links.flatMap(({ label }) => label ?? []);

describe("a chart's layout", () => {
  it("keeps labels clear of states and of each other", () => {
    const inTheWay = (label: (typeof labels)[number]): boolean =>
      leaves.some(({ area }) => collide(label, area, 1)) ||
      labels.some((other) => other !== label && collide(label, other, 1));
    expect(labels.filter(inTheWay)).toEqual([]);
  });

  it("leads no edge through a state or under another's label", () => {
    const stumbling = placed.links.filter((link) =>
      segmentsOf(link.points).some(
        (segment) =>
          leaves.some(({ area }) => touches(segment, area, -1)) ||
          labels.some((label) => label !== link.label && touches(segment, label, 0)),
      ),
    );
    expect(stumbling).toEqual([]);
  });

  it("begins and ends every edge on the border of its state", () => {
    const borders = new Map(
      placed.states.map(({ state, area }) => [state.id, [area.y, area.y + area.height]]),
    );
    const isOnBorder = (id: string, y: number | undefined): boolean =>
      (borders.get(id) ?? []).some((border) => isNear(border, y ?? Number.NaN));
    const loose = placed.links.filter(
      ({ link, points }) =>
        !isOnBorder(link.target, points.at(-1)?.y) ||
        (link.look !== "initial" && !isOnBorder(link.source, points[0]?.y)),
    );
    expect(loose).toEqual([]);
  });

  it("keeps children inside their parents", () => {
    const areas = new Map(placed.states.map(({ state, area }) => [state.id, area]));
    for (const { state, area } of placed.states) {
      for (const { id } of state.states) {
        const child = areas.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
        expect(child.x).toBeGreaterThan(area.x);
        expect(child.y).toBeGreaterThan(area.y);
        expect(child.x + child.width).toBeLessThan(area.x + area.width);
        expect(child.y + child.height).toBeLessThan(area.y + area.height);
      }
    }
  });
});
