import type { SizeLimitConfig } from "size-limit";

/** Node brings its own modules; the bundler is not to look for them. */
function leaveNodeOut<T extends object>(options?: T): T {
  const { external = [] } = options as { readonly external?: RegExp | readonly RegExp[] };
  return { ...(options as T), external: [external, /^node:/].flat() };
}

// Each limit is about 10 % above what was weighed with heartbeats and locks: growth is to be noticed, and decided.
const core = { path: "packages/lanekeeper/dist/index.js", modifyRolldownConfig: leaveNodeOut };

export default [
  { ...core, name: "lanekeeper with its dependencies", limit: "82 kB" },
  { ...core, name: "lanekeeper alone", ignore: ["immer", "rxjs", "valibot", "xstate"], limit: "62 kB" },
] satisfies SizeLimitConfig;
