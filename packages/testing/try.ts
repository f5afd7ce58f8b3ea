import { simulate } from "./src/index.ts";
const [from, to] = process.argv.slice(2).map(Number);
for (let seed = from!; seed <= to!; seed++) {
  const begun = performance.now();
  const { violations, hash, simulatedMs, trace, commands } = await simulate({ seed, faults: process.env.F === undefined ? undefined : process.env.F.split(",").filter(Boolean) as never });
  console.log(seed, hash.slice(0, 12), `${Math.round(performance.now() - begun)} ms`, `${Math.round(simulatedMs / 1000)} s`, trace.length, commands.length, violations.length);
  if (process.env.G) for (const l of trace) if (new RegExp(process.env.G).test(l)) console.log(l.slice(0, 400));
  for (const v of violations.slice(0, 4)) console.log("   ", v.rule, v.message);
}
