/** Fenced turns whose code has not returned. */
export interface Zombies {
  readonly count: number;
  /** Those of one session. */
  of(sessionKey: string): number;
  add(sessionKey: string): void;
  remove(sessionKey: string): void;
}

/** No zombies. `onChange` hears of every change of the count. */
export function createZombies(onChange: (count: number) => void): Zombies {
  const bySession = new Map<string, number>();
  let count = 0;
  const change = (sessionKey: string, by: 1 | -1): void => {
    const left = (bySession.get(sessionKey) ?? 0) + by;
    if (left === 0) bySession.delete(sessionKey);
    else bySession.set(sessionKey, left);
    count += by;
    onChange(count);
  };
  return {
    get count() {
      return count;
    },
    of: (sessionKey) => bySession.get(sessionKey) ?? 0,
    add: (sessionKey) => change(sessionKey, 1),
    remove: (sessionKey) => change(sessionKey, -1),
  };
}
