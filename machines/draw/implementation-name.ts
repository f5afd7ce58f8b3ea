/** An action as named in the config. */
export interface ChartAction {
  readonly name: string;
  /** The name with the plain values it is given, e.g. `recordEnd(returned)`. */
  readonly text: string;
}

/** A guard as named in the config; `and`, `or` and `not` are spelled out. */
export interface ChartGuard {
  readonly names: readonly string[];
  readonly text: string;
}

/** Names an action of a machine's config. */
export function nameAction(action: unknown): ChartAction {
  if (typeof action === "string") return { name: action, text: action };
  const type = stringField(action, "type");
  if (type === undefined) return plain((action as { name?: string }).name || "inline");
  if (!type.startsWith("xstate.")) return { name: type, text: `${type}${plainParams(action)}` };
  const word = type.slice("xstate.".length);
  const event = stringField(field(action, "event"), "type") ?? stringField(field(action, "emittedEvent"), "type");
  return plain([word, event].filter((part) => part !== undefined).join(" "));
}

/** Names a guard of a machine's config. */
export function nameGuard(guard: unknown): ChartGuard {
  if (typeof guard === "string") return { names: [guard], text: guard };
  const parts = field(guard, "guards");
  if (Array.isArray(parts)) return combine((guard as { name: string }).name, parts.map(nameGuard));
  const type = stringField(guard, "type");
  if (type !== undefined) return { names: [type], text: `${type}${plainParams(guard)}` };
  const state = stringField(guard, "stateValue");
  const name = state === undefined ? (guard as { name?: string }).name || "inline" : `in ${state}`;
  return { names: [name], text: name };
}

function combine(operator: string, guards: readonly ChartGuard[]): ChartGuard {
  const names = guards.flatMap((guard) => guard.names);
  const texts = guards.map(({ text }) => (guards.length > 1 && text.includes(" ") ? `(${text})` : text));
  if (operator === "not") return { names, text: `not ${texts.map((text) => (/ /.test(text) ? `(${text})` : text)).join("")}` };
  return { names, text: texts.join(` ${operator} `) };
}

function plain(name: string): ChartAction {
  return { name, text: name };
}

function plainParams(implementation: unknown): string {
  const params = field(implementation, "params");
  if (typeof params !== "object" || params === null) return "";
  const values = Object.values(params);
  return values.every((value) => ["string", "number", "boolean"].includes(typeof value)) ? `(${values.join(", ")})` : "";
}

function stringField(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === "string" ? found : undefined;
}

function field(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  return (value as Record<string, unknown>)[key];
}
