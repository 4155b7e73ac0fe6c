export type { Engine, EngineOptions } from './engine.ts';
export { type EngineName, isFileFault, StackError, type StackErrorCode } from './errors.ts';
export { startKafka } from './kafka.ts';
export { tryLock } from './lock.ts';
export { type MongoOptions, startMongo } from './mongo.ts';
export { obtainEngines } from './obtain/all.ts';
export { startPostgres } from './postgres.ts';
export { type RedisOptions, startRedis } from './redis.ts';
export { type Stack, startStack } from './stack.ts';
