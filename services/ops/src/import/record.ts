import type { Rejection } from '@calltally/contract';

/** A record of a file, with the line on which it begins; or why there is none. */
export type FileRecord =
  | { line: number; record: unknown; rejection?: never }
  | { line: number; rejection: Rejection; record?: never };
