import { join } from "node:path";
import { describeStoppedHolders } from "../leases/stopped-holder.ts";
import { temporaryFolder } from "./lease-files.ts";

describeStoppedHolders("a lease file", () => join(temporaryFolder(), "leases.db"));
