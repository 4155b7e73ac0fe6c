export { costsOf, type Inputs, inputsOf } from './capacity/inputs.ts';
export { redisBytesOfUser } from './capacity/redis-bytes.ts';
export type { Io } from './io.ts';
export { committedBy } from './kafka.ts';
export { runCalltally } from './run.ts';
