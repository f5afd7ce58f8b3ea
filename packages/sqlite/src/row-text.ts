import { crc32 } from "node:zlib";
import { corrupt } from "./failures.ts";

/** What a row keeps: JSON, and a checksum over it and over what names the row. */
export interface RowText {
  readonly data: string;
  readonly sum: number;
}

/** A value as a row keeps it. */
export function toRowText(name: string, value: unknown): RowText {
  const data = JSON.stringify(value);
  return { data, sum: sumOf(name, data) };
}

/** What a row says. Throws `STORE_CORRUPT` where its checksum is not that of its text. */
export function readRowText(path: string, table: string, name: string, row: RowText): unknown {
  return JSON.parse(checkedText(path, table, name, row));
}

/** The JSON of a row. Throws `STORE_CORRUPT` where its checksum is not that of its text. */
export function checkedText(path: string, table: string, name: string, { data, sum }: RowText): string {
  if (sumOf(name, data) === sum) return data;
  throw corrupt(path, `the checksum of ${table} ${JSON.stringify(name)} is wrong`);
}

/** The checksum of a row's JSON. */
export function sumOf(name: string, data: string): number {
  return crc32(`${name}${data}`);
}
