export type { Io } from './io.ts';
export { runCalltally } from './run.ts';
