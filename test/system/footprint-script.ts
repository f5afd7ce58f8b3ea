import { measureFootprint } from "../bench/footprint.ts";

// Runs in a process of its own, started with --expose-gc, and prints what it measured as JSON.
const footprint = await measureFootprint({ sessions: 100_000, liveAgain: 1_000 });
process.stdout.write(JSON.stringify(footprint));
