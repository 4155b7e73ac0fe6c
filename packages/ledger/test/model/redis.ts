import { CounterSession } from '@calltally/counters';
import type { Call, LuaScripts, Value } from './lua.ts';
import type { Worker } from './turns.ts';

const SCRIPTS = [
  'ensure-generation',
  'checkpoint',
  'apply',
  'claim',
  'open',
  'fill',
  'fill-status',
  'reserve',
  'dequeue',
  'release-slot',
  'buckets',
  'snapshot',
];
const LEDGER_KEY = 'ct:ledger:{0}';
/** A string is a hash with one field of no name, and perhaps this one: when it expires, epoch ms. */
const UNTIL = 'until';

export type Hashes = Map<string, Map<string, string>>;

export function generationIn(hashes: Hashes): string | undefined {
  return hashes.get(LEDGER_KEY)?.get('id');
}

/** The part of Redis that we use. A sorted set is a hash of scores, a string a hash of its own. Only strings expire. */
export class RedisServer {
  hashes: Hashes = new Map();
  readonly clients = new Set<RedisClient>();
  readonly #scripts: LuaScripts;
  readonly #now: () => number;

  constructor(scripts: LuaScripts, now = () => 0) {
    this.#scripts = scripts;
    this.#now = now;
  }

  run(script: string, keys: readonly string[], args: readonly (string | number)[]): Value {
    return this.#scripts.run(script, keys, args, this.call);
  }

  readonly call: Call = (command, [key, ...args]) => {
    const hash = this.hashes.get(key!);
    switch (command) {
      case 'HGET':
        return hash?.get(args[0]!) ?? false;
      case 'HMGET':
        return args.map((field) => hash?.get(field) ?? false);
      case 'HGETALL':
        return [...(hash ?? [])].flat();
      case 'HSET':
        for (let i = 0; i < args.length; i += 2) this.#set(key!, args[i]!, args[i + 1]!);
        return args.length / 2;
      case 'HSETNX':
        if (hash?.has(args[0]!)) return 0;
        this.#set(key!, args[0]!, args[1]!);
        return 1;
      case 'HDEL':
        return this.#remove(key!, args);
      case 'DEL':
        return [key!, ...args].filter((name) => this.hashes.delete(name)).length;
      case 'EXPIREAT':
      case 'PEXPIRE':
      case 'PTTL':
        return 1;
      case 'GET':
        return this.#text(key!) ?? false;
      case 'SET': {
        const [value, px, ms, nx] = args;
        if (px !== 'PX' || nx !== 'NX') throw new Error('this Redis sets only leases');
        if (this.#text(key!) !== undefined) return false;
        this.#set(key!, '', value!);
        this.#set(key!, UNTIL, String(this.#now() + Number(ms)));
        return 'OK';
      }
      case 'ZADD': {
        const only = args[0] === 'NX' || args[0] === 'XX' ? args.shift() : undefined;
        let added = 0;
        for (let i = 0; i < args.length; i += 2) {
          const isThere = this.hashes.get(key!)?.has(args[i + 1]!) ?? false;
          if (only === (isThere ? 'NX' : 'XX')) continue;
          this.#set(key!, args[i + 1]!, args[i]!);
          if (!isThere) added++;
        }
        return added;
      }
      case 'ZREM':
        return this.#remove(key!, args);
      case 'ZSCORE':
        return hash?.get(args[0]!) ?? false;
      case 'ZCARD':
        return hash?.size ?? 0;
      case 'ZRANGE': {
        const [start, stop, scores] = args;
        const some = ranked(hash).slice(Number(start), Number(stop) + 1);
        return scores === undefined ? some.map(([member]) => member) : some.flat();
      }
      case 'ZRANGEBYSCORE': {
        const [low, high, , start, count] = args;
        return ranked(hash)
          .filter(([, score]) => isBeyond(low!, Number(score)) && isBeyond(high!, Number(score), -1))
          .slice(Number(start), Number(start) + Number(count))
          .map(([member]) => member);
      }
      default:
        throw new Error(`this Redis does not know ${command}`);
    }
  };

  #set(key: string, field: string, value: string): void {
    const hash = this.hashes.get(key);
    if (hash === undefined) this.hashes.set(key, new Map([[field, value]]));
    else hash.set(field, value);
  }

  /** As in Redis, no key is left without a field. */
  #remove(key: string, fields: readonly string[]): number {
    const hash = this.hashes.get(key);
    const removed = fields.filter((field) => hash?.delete(field)).length;
    if (hash?.size === 0) this.hashes.delete(key);
    return removed;
  }

  #text(key: string): string | undefined {
    const text = this.hashes.get(key);
    if (text !== undefined && Number(text.get(UNTIL)) > this.#now()) return text.get('');
    this.hashes.delete(key);
    return undefined;
  }

  /** The generation of the only master. */
  get ledger(): ReadonlyMap<string, string> {
    return this.hashes.get(LEDGER_KEY) ?? new Map();
  }

  dump(): Hashes {
    return new Map([...this.hashes].map(([key, hash]) => [key, new Map(hash)]));
  }

  putBack(dump: Hashes): void {
    this.hashes = new Map([...dump].map(([key, hash]) => [key, new Map(hash)]));
  }
}

/** Members and scores of a sorted set, in order. */
function ranked(set: ReadonlyMap<string, string> = new Map()): [string, string][] {
  return [...set].sort(([a, x], [b, y]) => Number(x) - Number(y) || (a < b ? -1 : 1));
}

/** Whether a score lies at or beyond a bound, upwards or (`direction` -1) downwards. `(` excludes the bound itself. */
function isBeyond(bound: string, score: number, direction = 1): boolean {
  if (bound === '-inf') return true;
  const isOpen = bound.startsWith('(');
  const by = (score - Number(isOpen ? bound.slice(1) : bound)) * direction;
  return isOpen ? by > 0 : by >= 0;
}

/** The part of ioredis that CounterSession uses: one connection, whose commands are turns of its worker. */
export class RedisClient {
  status = 'ready';
  readonly worker: Worker;
  readonly #server: RedisServer;
  #onClose: () => void = () => {};

  constructor(worker: Worker, server: RedisServer) {
    this.worker = worker;
    this.#server = server;
    server.clients.add(this);
    for (const script of SCRIPTS) {
      Object.assign(this, {
        [`calltally_${script}`]: (keys: number, ...given: (string | number)[]) =>
          this.#run(script, given.slice(0, keys), given.slice(keys)),
      });
    }
  }

  once(_: 'close', listener: () => void): void {
    this.#onClose = listener;
  }

  disconnect(): void {
    this.#server.clients.delete(this);
  }

  /** The other end is gone, so pending commands fail. */
  close(): void {
    this.disconnect();
    this.#onClose();
  }

  async hgetall(key: string): Promise<Record<string, string>> {
    const flat = await this.#ask(
      `HGETALL ${key}`,
      () => this.#server.call('HGETALL', [key]) as readonly string[],
    );
    return Object.fromEntries(flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1]!]] : [])));
  }

  del(key: string): Promise<Value> {
    return this.#command('DEL', key);
  }

  async set(...given: string[]): Promise<'OK' | null> {
    return (await this.#command('SET', ...given)) === 'OK' ? 'OK' : null;
  }

  zadd(...given: string[]): Promise<Value> {
    return this.#command('ZADD', ...given);
  }

  zcard(key: string): Promise<Value> {
    return this.#command('ZCARD', key);
  }

  zrange(...given: string[]): Promise<Value> {
    return this.#command('ZRANGE', ...given);
  }

  /** Commands of others may take effect between those of a pipeline. */
  pipeline(): object {
    const queued: (() => Promise<Value>)[] = [];
    const pipeline: Record<string, unknown> = {
      exec: () =>
        Promise.all(
          queued.map((send) =>
            send().then(
              (reply) => [null, reply],
              (error) => [error, undefined],
            ),
          ),
        ),
    };
    for (const script of SCRIPTS) {
      pipeline[`calltally_${script}`] = (keys: number, ...given: (string | number)[]) =>
        queued.push(() => this.#run(script, given.slice(0, keys) as string[], given.slice(keys)));
    }
    return pipeline;
  }

  #run(script: string, keys: readonly (string | number)[], args: readonly (string | number)[]) {
    const names = keys.map(String);
    const named = args.map((arg) => this.worker.named(String(arg)));
    return this.#ask(`${script} ${names[0]} ${named.join(' ')}`, () =>
      this.#server.run(script, names, named),
    );
  }

  #command(name: string, ...given: (string | number)[]): Promise<Value> {
    const named = given.map((one) => this.worker.named(String(one)));
    return this.#ask(`${name} ${named.join(' ')}`, () => this.#server.call(name, named));
  }

  #ask<T>(text: string, effect: () => T): Promise<T> {
    return this.worker.ask('redis', this, text, effect);
  }
}

/** The real session over a connection to this Redis. */
export function openSession(worker: Worker, server: RedisServer): CounterSession {
  const Session = CounterSession as unknown as new (found: object, settings: object) => CounterSession;
  const redis = new RedisClient(worker, server);
  const master = { redis, tag: 0, generationKey: LEDGER_KEY, slots: [[0, 16383]] };
  return new Session({ masters: [master], absent: [] }, {});
}
