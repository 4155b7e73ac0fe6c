import { CounterSession, CountersError } from '@calltally/counters';
import calculateSlot from 'cluster-key-slot';
import { type Cluster, generationKeyOf, includesSlot, nodesOf, tagOf } from './cluster.ts';
import type { Call, LuaScripts, Value } from './lua.ts';
import type { Worker } from './turns.ts';

const SCRIPTS = [
  'ensure-generation',
  'bring-generation',
  'drop-generation',
  'take-slots',
  'checkpoint',
  'advance-as-of',
  'apply',
  'claim',
  'open',
  'fill',
  'fill-status',
  'reserve',
  'dequeue',
  'release-slot',
  'buckets',
  'segments',
  'cells',
  'snapshot',
];
/** Runs of scripts: some 50 MB. */
const KNOWN_MAX = 20_000;
const LEDGER_KEY = 'ct2:ledger:{0}';
/** A string is a hash with one field of no name, and perhaps this one: when it expires, epoch ms. */
const UNTIL = 'until';

export type Hashes = Map<string, Map<string, string>>;

export function generationIn(hashes: Hashes): string | undefined {
  return hashes.get(LEDGER_KEY)?.get('id');
}

/** Of what a client sends, each byte as a character: so scripts see strings, and so they are stored. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** A reply as ioredis gives it: its strings as texts, or as buffers. */
function replyOf(reply: Value, asBuffers = false): unknown {
  if (typeof reply === 'string') {
    const bytes = Buffer.from(reply, 'latin1');
    return asBuffers ? bytes : bytes.toString();
  }
  return Array.isArray(reply) ? reply.map((one) => replyOf(one, asBuffers)) : reply;
}

/** The part of Redis that we use. A sorted set is a hash of scores, a string a hash of its own. Only strings expire. */
export class RedisServer {
  hashes: Hashes = new Map();
  readonly clients = new Set<RedisClient>();
  readonly #scripts: LuaScripts;
  readonly #now: () => number;
  /** Undefined for a single node. */
  readonly cluster: Cluster | undefined;

  constructor(scripts: LuaScripts, now = () => 0, cluster?: Cluster) {
    this.#scripts = scripts;
    this.#now = now;
    this.cluster = cluster;
  }

  /** A search plays the same beginnings again and again, so what a script did from the same state is known. */
  run(script: string, keys: readonly string[], args: readonly (string | number)[]): Value {
    const states = () => keys.map((key) => [...(this.hashes.get(key) ?? [])]);
    const asked = JSON.stringify([script, this.#now(), keys, args, states()]);
    const known = this.#scripts.known.get(asked);
    if (known === undefined) {
      if (this.#scripts.known.size === KNOWN_MAX) this.#scripts.known.clear();
      const reply = this.#scripts.run(script, keys, args, this.call);
      this.#scripts.known.set(asked, { reply, after: states() });
      return reply;
    }
    keys.forEach((key, i) => {
      const after = known.after[i]!;
      if (after.length === 0) this.hashes.delete(key);
      else this.hashes.set(key, new Map(after));
    });
    return known.reply;
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
      case 'EXISTS':
        return this.hashes.has(key!) ? 1 : 0;
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

  /** The generation of a user's master; empty if it has none of its own. */
  ledgerOf(userId: string): ReadonlyMap<string, string> {
    const { cluster } = this;
    if (cluster === undefined) return this.hashes.get(LEDGER_KEY) ?? new Map();
    const master = cluster.holderOf(`ct2:{${userId}}`)!;
    const own = this.hashes.get(nodeOf(cluster, master).generationKey);
    return own?.get('nodes')?.startsWith(nodesOf(master)[0]!) ? own : new Map();
  }

  /** The id of the generation that a user is of; undefined while their master has not noted their slot, or noted that it left. */
  generationOf(userId: string): string | undefined {
    const ledger = this.ledgerOf(userId);
    const slots = ledger.get('slots');
    if (slots === undefined) return ledger.get('id');
    const isOfIt = includesSlot(slots, userId) && !includesSlot(ledger.get('left') ?? '', userId);
    return isOfIt ? ledger.get('id') : undefined;
  }

  /** A master loses all that it holds. */
  empty(master: number): void {
    for (const key of this.hashes.keys()) if (this.cluster!.holderOf(key) === master) this.hashes.delete(key);
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
  /** Whoever writes leaves it as it is. */
  readonly stream = { writableCorked: 1 };
  readonly worker: Worker;
  readonly #server: RedisServer;
  /** The master of a cluster that it is connected to. */
  readonly master: number | undefined;
  #onClose: () => void = () => {};

  constructor(worker: Worker, server: RedisServer, master?: number) {
    this.worker = worker;
    this.#server = server;
    this.master = master;
    server.clients.add(this);
  }

  static {
    for (const script of SCRIPTS) {
      for (const asBuffers of [false, true]) {
        Object.assign(RedisClient.prototype, {
          [commandOf(script, asBuffers)](this: RedisClient, keys: number, ...given: (string | number)[]) {
            return this.#run(script, given.slice(0, keys), given.slice(keys), asBuffers);
          },
        });
      }
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
    const flat = (await this.#command('HGETALL', key)) as readonly string[];
    return Object.fromEntries(flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1]!]] : [])));
  }

  async hmget(key: string, ...fields: string[]): Promise<(string | null)[]> {
    const values = (await this.#command('HMGET', key, ...fields)) as readonly (string | false)[];
    return values.map((value) => (value === false ? null : value));
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

  zrem(...given: string[]): Promise<Value> {
    return this.#command('ZREM', ...given);
  }

  zcard(key: string): Promise<Value> {
    return this.#command('ZCARD', key);
  }

  zrange(...given: string[]): Promise<Value> {
    return this.#command('ZRANGE', ...given);
  }

  /** Commands of others may take effect between those of a pipeline. */
  pipeline(): object {
    const queued: (() => Promise<unknown>)[] = [];
    const asked: string[] = [];
    const pipeline: Record<string, unknown> = {
      exists: (key: string) => asked.push(key),
      exec: async () => {
        // As one turn: there are many, and which of them come first makes no difference.
        if (asked.length > 0) return this.#existing(asked);
        return Promise.all(
          queued.map((send) =>
            send().then(
              (reply) => [null, reply],
              (error) => [error, undefined],
            ),
          ),
        );
      },
    };
    for (const script of SCRIPTS) {
      for (const asBuffers of [false, true]) {
        pipeline[commandOf(script, asBuffers)] = (keys: number, ...given: (string | number)[]) =>
          queued.push(() => this.#run(script, given.slice(0, keys), given.slice(keys), asBuffers));
      }
    }
    return pipeline;
  }

  async #run(
    script: string,
    keys: readonly (string | number)[],
    args: readonly (string | number)[],
    asBuffers: boolean,
  ): Promise<unknown> {
    const names = keys.map(String);
    const named = args.map((arg) => this.worker.named(String(arg)));
    const reply = await this.#ask(`${script} ${names[0]} ${named.join(' ')}`, names[0]!, () =>
      this.#server.run(script, names.map(bytesOf), named.map(bytesOf)),
    );
    return replyOf(reply, asBuffers);
  }

  #existing(keys: readonly string[]): Promise<[Error | null, number][]> {
    return this.worker.ask('redis', this, `EXISTS of ${keys.length}`, () =>
      keys.map((key) => {
        const moved = this.#movedOf(key);
        return moved ? [moved, 0] : [null, this.#server.hashes.has(key) ? 1 : 0];
      }),
    );
  }

  #movedOf(key: string): Error | undefined {
    const { cluster } = this.#server;
    if (cluster === undefined || cluster.holderOf(key) === this.master) return undefined;
    return new Error(`MOVED ${calculateSlot(key)} ${cluster.holderOf(key)}`);
  }

  async #command(name: string, ...given: (string | number)[]): Promise<Value> {
    const named = given.map((one) => this.worker.named(String(one)));
    const reply = await this.#ask(`${name} ${named.join(' ')}`, named[0]!, () =>
      this.#server.call(name, named.map(bytesOf)),
    );
    return replyOf(reply) as Value;
  }

  async #ask<T>(text: string, key: string, effect: () => T): Promise<T> {
    const reply = await this.worker.ask('redis', this, text, () => this.#movedOf(key) ?? effect());
    if (reply instanceof Error) throw reply;
    return reply;
  }
}

function commandOf(script: string, asBuffers: boolean): string {
  return `calltally_${script}${asBuffers ? 'Buffer' : ''}`;
}

/** The real session over connections to this Redis. @throws CountersError if no master is there */
export function openSession(worker: Worker, server: RedisServer): CounterSession {
  const Session = CounterSession as unknown as new (found: object, settings: object) => CounterSession;
  const { cluster } = server;
  if (cluster === undefined) {
    const redis = new RedisClient(worker, server);
    const master = { redis, tag: 0, generationKey: LEDGER_KEY, slots: [[0, 16383]], nodes: [] };
    return new Session({ masters: [master], absent: [] }, {});
  }
  const nodes = cluster.masters
    .filter((master) => cluster.slotsOf(master).length > 0)
    .map((master) => ({ ...nodeOf(cluster, master), isAway: cluster.away.has(master), master }));
  const masters = nodes
    .filter(({ isAway }) => !isAway)
    .map((node) => ({ ...node, redis: new RedisClient(worker, server, node.master) }));
  if (masters.length === 0) throw new CountersError('COUNTERS_LOST', 'no master is there');
  return new Session({ masters, absent: nodes.filter(({ isAway }) => isAway) }, { clusterNodes: [] });
}

function nodeOf(cluster: Cluster, master: number) {
  const slots = cluster.slotsOf(master);
  const tag = tagOf(slots);
  const ranges = slots.map((slot): [number, number] => [slot, slot]);
  return { slots: ranges, nodes: nodesOf(master), tag, generationKey: generationKeyOf(tag) };
}
