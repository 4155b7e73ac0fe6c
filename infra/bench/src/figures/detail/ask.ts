/** Whose calls are asked for. */
export const USER = 'user-asks-elsewhere';

/** Epoch ms of whole UTC days, the end not included; all calls of the range, or those of one agent. */
export interface Asked {
  from: number;
  until: number;
  agent?: string;
}

/** Calls by agent. */
export type Ask = (asked: Asked) => Promise<Map<string, number>>;
