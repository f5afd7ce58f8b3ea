import { testSeeds } from "./every-rule.ts";

// The same ones each time: fresh ones are for `npm run soak`.
testSeeds(41, 80);
