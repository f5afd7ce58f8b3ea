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
  if (type === undefined) return plain(functionName(action));
  if (!type.startsWith("xstate.")) return { name: type, text: `${type}${plainParams(action)}` };
  const word = type.slice("xstate.".length);
  const event =
    stringField(field(action, "event"), "type") ?? stringField(field(action, "emittedEvent"), "type");
  return plain([word, event].filter((part) => part !== undefined).join(" "));
}

/** Names a guard of a machine's config. */
export function nameGuard(guard: unknown): ChartGuard {
  if (typeof guard === "string") return { names: [guard], text: guard };
  const parts = field(guard, "guards");
  if (Array.isArray(parts)) return combine(functionName(guard), parts.map(nameGuard));
  const type = stringField(guard, "type");
  if (type !== undefined) return { names: [type], text: `${type}${plainParams(guard)}` };
  const state = stringField(guard, "stateValue");
  const name = state === undefined ? functionName(guard) : `in ${state}`;
  return { names: [name], text: name };
}

function combine(operator: string, guards: readonly ChartGuard[]): ChartGuard {
  const names = guards.flatMap((guard) => guard.names);
  const texts = guards.map(({ text }) => (text.includes(" ") ? `(${text})` : text));
  return { names, text: operator === "not" ? `not ${texts.join("")}` : texts.join(` ${operator} `) };
}

function plain(name: string): ChartAction {
  return { name, text: name };
}

function plainParams(implementation: unknown): string {
  const params = field(implementation, "params");
  if (typeof params !== "object" || params === null) return "";
  const values = Object.values(params);
  const isPlain =
    values.length > 0 && values.every((value) => ["string", "number", "boolean"].includes(typeof value));
  return isPlain ? `(${values.join(", ")})` : "";
}

function functionName(value: unknown): string {
  const name = stringField(value, "name");
  return name === undefined || name === "" ? "inline" : name;
}

function stringField(value: unknown, key: string): string | undefined {
  const found = field(value, key);
  return typeof found === "string" ? found : undefined;
}

function field(value: unknown, key: string): unknown {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  return (value as Record<string, unknown>)[key];
}
