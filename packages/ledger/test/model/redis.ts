import { CounterSession } from '@calltally/counters';
import type { Call, LuaScripts, Value } from './lua.ts';
import type { Worker } from './turns.ts';

const SCRIPTS = ['begin', 'mark', 'apply', 'lease', 'replace', 'snapshot'];
const LEDGER_KEY = 'ct:ledger:{0}';

export type Hashes = Map<string, Map<string, string>>;

export function generationIn(hashes: Hashes): string | undefined {
  return hashes.get(LEDGER_KEY)?.get('id');
}

/** A Redis of hashes, as far as our scripts use one. Nothing expires. */
export class RedisServer {
  hashes: Hashes = new Map();
  readonly clients = new Set<RedisClient>();
  readonly #scripts: LuaScripts;

  constructor(scripts: LuaScripts) {
    this.#scripts = scripts;
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
      case 'DEL':
        return [key!, ...args].filter((name) => this.hashes.delete(name)).length;
      case 'EXPIREAT':
        return 1;
      default:
        throw new Error(`this Redis does not know ${command}`);
    }
  };

  #set(key: string, field: string, value: string): void {
    const hash = this.hashes.get(key);
    if (hash === undefined) this.hashes.set(key, new Map([[field, value]]));
    else hash.set(field, value);
  }

  /** What the one master says of itself. */
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

/** What CounterSession uses of ioredis: one connection, whose commands are turns of its worker. */
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

  /** The other end is gone: whatever is under way fails. */
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
    return this.#ask(`DEL ${key}`, () => this.#server.call('DEL', [key]));
  }

  /** Others' commands may take effect between those of a pipeline. */
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

  #ask<T>(text: string, effect: () => T): Promise<T> {
    return this.worker.ask('redis', this, text, effect);
  }
}

/** The real session over a connection to this Redis. */
export function openSession(worker: Worker, server: RedisServer): CounterSession {
  const Session = CounterSession as unknown as new (masters: object[], settings: object) => CounterSession;
  const redis = new RedisClient(worker, server);
  return new Session([{ redis, ledgerKey: LEDGER_KEY, slots: [[0, 16383]] }], {});
}
