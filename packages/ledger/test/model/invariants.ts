import { PARTITIONS, USERS, type World } from './world.ts';

/** A user's counters as Redis has them, where they are complete and of the generation that is there. */
interface Warm {
  userId: string;
  applied: Map<number, number>;
  calls: number;
  /** A sum of powers of two, which says which calls were counted. */
  durationMs: number;
}

/** What has to hold after every step. @returns what does not */
export function breachOf(world: World): string | undefined {
  if (world.breach !== undefined || world.lostRows) return world.breach;
  return storedBeyondRows(world) ?? committedBeyondStored(world) ?? wrongCounters(world);
}

/** What has to hold once everything that was sent has been counted. */
export function breachInQuiet(world: World): string | undefined {
  for (const [partition, log] of world.topic.log.entries()) {
    for (const [offset, call] of log.entries()) {
      if (call !== undefined && !world.mongo.calls.has(call.callId)) {
        return `${call.callId}, ${partition}:${offset}, has no row after quiet`;
      }
    }
  }
  for (const { userId, calls } of warmUsers(world)) {
    const rows = rowsOf(world, userId).length;
    if (calls !== rows) return `${userId} has ${calls} calls counted and ${rows} rows after quiet`;
  }
  return breachOf(world);
}

function storedBeyondRows({ mongo, topic }: World): string | undefined {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const stored = mongo.stored(`0:${partition}`);
    for (const [offset, call] of topic.log[partition]!.slice(0, stored + 1).entries()) {
      if (call !== undefined && !mongo.calls.has(call.callId)) {
        return `stored of ${partition} is ${stored}, and ${offset} (${call.callId}) has no row`;
      }
    }
  }
  return undefined;
}

function committedBeyondStored({ mongo, topic, wentBack }: World): string | undefined {
  if (wentBack) return undefined;
  for (const [partition, committed = 0] of topic.committed.entries()) {
    const stored = mongo.stored(`0:${partition}`);
    if (committed > stored + 1)
      return `${partition} is committed at ${committed} and stored through ${stored}`;
  }
  return undefined;
}

/** Each warm user's counters are the rows at or below `applied`, and no mark says more. */
function wrongCounters(world: World): string | undefined {
  const { ledger } = world.redis;
  if (world.outdated.has(ledger.get('id') ?? '')) return undefined;
  for (const { userId, applied, calls, durationMs } of warmUsers(world)) {
    const rows = rowsOf(world, userId);
    const counted = rows.filter(({ source }) => source.offset <= (applied.get(source.partition) ?? -1));
    const sum = counted.reduce((total, row) => total + row.duration_ms, 0);
    if (calls !== counted.length || durationMs !== sum) {
      const ids = counted.map(({ _id }) => _id);
      return `${userId} counts ${calls} calls (${callsIn(durationMs)}), rows through ${[...applied]} are ${ids}`;
    }
    for (const { _id, source } of rows) {
      const mark = Number(ledger.get(`mark:0:${source.partition}`) ?? -1);
      if (source.offset <= mark && source.offset > (applied.get(source.partition) ?? -1)) {
        return `the mark of ${source.partition} is ${mark}, and ${userId} does not count ${_id}, ${source.offset}`;
      }
    }
  }
  return undefined;
}

export function warmUsers({ redis }: World): Warm[] {
  const id = redis.ledger.get('id');
  return USERS.flatMap((userId) => {
    const hash = redis.hashes.get(`ct:{${userId}}`);
    if (hash?.get('w') !== '1' || hash.get('g') !== id) return [];
    const warm: Warm = { userId, applied: new Map(), calls: 0, durationMs: 0 };
    for (const [field, value] of hash) {
      if (field.startsWith('a:0:')) warm.applied.set(Number(field.slice(4)), Number(value));
    }
    for (const [key, bucket] of redis.hashes) {
      if (!key.startsWith(`ct:{${userId}}:m:`)) continue;
      warm.calls += Number(bucket.get('c') ?? 0);
      warm.durationMs += Number(bucket.get('d') ?? 0);
    }
    return [warm];
  });
}

function rowsOf({ mongo }: World, userId: string) {
  return [...mongo.calls.values()].filter((row) => row.user_id === userId);
}

function callsIn(durationMs: number): string {
  const ids: string[] = [];
  for (let number = 0, rest = durationMs; rest > 0; number++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) ids.push(`c${number}`);
  }
  return ids.join(',');
}
