/** Recordings of what a keeper saw and did: how they are made, read and looked through. */
export { type MemoryRecorder, recordInMemory } from "./recording/record-in-memory.ts";
export { type FileRecorder, recordToFile, type RecordToFileOptions } from "./recording/record-to-file.ts";
export { replayRecording, type ReplayOptions, type ReplayStep } from "./recording/replay-recording.ts";
export type { ReplayResult } from "./recording/summary.ts";
export { readRecording } from "./recording/read-recording.ts";
export type {
  MadeWith,
  Recording,
  RecordingEntry,
  RecordingHeader,
  SeenEntry,
} from "./recording/recording.ts";
export type { InnerEntry } from "./recording/inner-entries.ts";
