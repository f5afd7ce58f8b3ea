import { createCapacity } from "lanekeeper/ports";
import { describeDispatcher } from "./dispatcher-conformance.ts";

describeDispatcher("capacity of one process", createCapacity);
