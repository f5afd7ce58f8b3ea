import { chmodSync } from "node:fs";

/** Makes a file and its folder read-only; returns how to undo it. To the superuser nothing is: it becomes somebody else. */
export function forbidWriting(folder: string, path: string): () => void {
  chmodSync(path, 0o444);
  chmodSync(folder, 0o555);
  const become = actAsNobody();
  return () => {
    become();
    chmodSync(folder, 0o755);
    chmodSync(path, 0o644);
  };
}

/** Gives up what the superuser may do beyond others; returns how to have it again. */
export function actAsNobody(): () => void {
  const isSuperuser = process.geteuid?.() === 0;
  if (isSuperuser) process.seteuid?.(65_534);
  return () => {
    if (isSuperuser) process.seteuid?.(0);
  };
}
