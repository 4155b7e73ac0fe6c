import { sendings } from './events.ts';
import { openUsers } from './invariants.ts';
import type { Contents } from './mongo.ts';
import { breakdown, dashboard, open, read, series } from './readers.ts';
import { wrongBreakdown, wrongDashboard, wrongReading, wrongSeries } from './readings.ts';
import { generationIn, type Hashes } from './redis.ts';
import {
  audit,
  consumer,
  discard,
  filler,
  openAnew,
  RESPECT_MS,
  repair,
  replace,
  replay,
  SLOW_CLOCK_MS,
  type Work,
  warm,
} from './workers.ts';
import { heads, PARTITIONS, type Step, USERS, type World } from './world.ts';

/** How often each of these may happen in a run. What is not named does not happen. */
export interface Allowed {
  kills?: number;
  /** Commands whose senders stop waiting, and that take effect later or never. */
  cuts?: number;
  /** A user's counters expire, or a repair forgets them. */
  forgets?: number;
  flushes?: number;
  /** A master of a cluster goes away, with its data. */
  mastersAway?: number;
  mastersBack?: number;
  mastersEmptied?: number;
  /** A slot of a cluster moves to another master, with its keys. */
  moves?: number;
  dumps?: number;
  redisPutBacks?: number;
  backups?: number;
  mongoPutBacks?: number;
  /** So much time passes that leases and reservations run out. */
  pauses?: number;
  events?: number;
  consumers?: number;
  openers?: number;
  readers?: number;
  /** Readers of ranges that cut days. */
  dashboards?: number;
  /** Readers of the same ranges by cell. */
  breakdowns?: number;
  /** Readers of them by hours, and in time zones. */
  zones?: number;
  fillers?: number;
  /** Fillers whose clocks are slow. */
  slowClocks?: number;
  warms?: number;
  repairs?: number;
  reopens?: number;
  /** Rebuilds from the topic. */
  replaces?: number;
  discards?: number;
  audits?: number;
  replays?: number;
  /** An operator or a zombie moves a commit back. */
  rewinds?: number;
}

const BREAKDOWNS = {
  'counters and edges': {},
  'those that failed': { ofFailed: true },
  rows: { fromRows: true },
};

const ZONES = ['Asia/Kolkata', 'Asia/Kathmandu'];
const SERIES = [
  { interval: 'hour', timeZone: 'UTC' },
  { interval: 'day', timeZone: 'Asia/Kolkata' },
  { interval: 'week', timeZone: 'Asia/Kathmandu' },
] as const;

/** Accidents that may happen next. Each one uses up some of what is allowed. */
export function accidents(world: World, allowed: Allowed): Step[] {
  const steps: Step[] = [];
  const may = (kind: keyof Allowed, text: string, take: Step['take'], weight = 1) => {
    if ((allowed[kind] ?? 0) <= 0) return;
    const use = () => {
      allowed[kind] = allowed[kind]! - 1;
      return take();
    };
    steps.push({ text, weight, take: use });
  };
  const mayStart = (kind: keyof Allowed, name: string, text: string, work: () => Work) => {
    may(kind, text, async () => {
      await world.start(name, work());
    });
  };
  const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);

  for (const command of world.late) {
    steps.push({ text: `late: ${command.text}`, weight: 2, take: () => arrive(world, command) });
  }
  for (const worker of world.workers) {
    may('kills', `kill ${worker.name}`, () => world.remove(worker));
    for (const command of heads(worker)) {
      if (command.engine !== 'redis' && command.engine !== 'mongo') continue;
      may('cuts', `no answer for ${worker.name}: ${command.text}`, () => world.giveUp(worker, command));
    }
  }
  for (const userId of USERS) {
    may('forgets', `${userId} is forgotten`, () => void world.redis.hashes.delete(`ct2:{${userId}}`));
  }
  may('flushes', 'FLUSHALL', () => world.redis.putBack(new Map()));
  const { cluster } = world.redis;
  for (const master of cluster?.masters ?? []) {
    if (cluster!.away.has(master)) {
      may('mastersBack', `master ${master} is back`, () => void cluster!.away.delete(master));
      continue;
    }
    may('mastersAway', `master ${master} goes away`, () => {
      cluster!.away.add(master);
      return world.cutRedis(master);
    });
    may('mastersEmptied', `master ${master} is emptied`, () => world.redis.empty(master));
    for (const slot of cluster!.slotsOf(master)) {
      const to = cluster!.masters.find((other) => other !== master && !cluster!.away.has(other));
      if (to !== undefined) may('moves', `slot ${slot} moves to master ${to}`, () => cluster!.move(slot, to));
    }
  }
  may('dumps', 'Redis is dumped', () => void world.dumps.push(world.redis.dump()));
  world.dumps.forEach((dump, i) => {
    if (!mayReturnTo(world, dump)) return;
    may('redisPutBacks', `Redis is back at dump ${i}`, () => world.putRedisBack(dump));
  });
  may('backups', 'Mongo is backed up', () => void world.backups.push(world.mongo.backUp()));
  world.backups.forEach((backup, i) => {
    if (mayPutBack(world, backup))
      may('mongoPutBacks', `Mongo is back at backup ${i}`, () => putMongoBack(world, backup), 4);
  });
  may('pauses', 'time passes', () => {
    world.nowMs += RESPECT_MS + 1;
  });

  if (allowed.events) {
    for (const { text, weight, send } of sendings(world)) may('events', text, send, weight);
  }
  for (const partition of partitions) {
    for (const size of [1, 3]) {
      const text = `consumer of ${partition} begins, ${size} a batch`;
      mayStart('consumers', `consumer ${partition}`, text, () => consumer(partition, size, true));
    }
    for (const from of [0, Math.max(0, world.topic.end(partition) - 2)]) {
      const text = `replay of ${partition} from ${from}`;
      mayStart('replays', `replay ${partition}`, text, () => replay(partition, from, 2));
    }
    may('rewinds', `the commit of ${partition} goes back`, () => {
      world.topic.committed[partition] = 0;
    });
  }
  for (const userId of USERS) {
    mayStart('openers', 'api', `the API opens ${userId}`, () => open([userId]));
    mayStart('readers', 'reader', `${userId} is read`, () =>
      read(userId, (reading) => {
        if (isJudged(world)) world.breach ??= wrongReading(world, userId, reading);
      }),
    );
    for (const fromRows of [false, true]) {
      const text = `${fromRows ? 'rows' : 'counters and edges'} of ${userId} are read`;
      const work = () =>
        dashboard(
          userId,
          (found) => {
            if (isJudged(world)) world.breach ??= wrongDashboard(world, userId, found);
          },
          { fromRows },
        );
      mayStart('dashboards', 'reader', text, work);
    }
    for (const [what, of] of Object.entries(BREAKDOWNS)) {
      const work = () =>
        breakdown(
          userId,
          (found) => {
            if (isJudged(world)) world.breach ??= wrongBreakdown(world, userId, found);
          },
          of,
        );
      mayStart('breakdowns', 'reader', `${what} of ${userId} are broken down`, work);
    }
    for (const timeZone of ZONES) {
      const work = () =>
        dashboard(
          userId,
          (found) => {
            if (isJudged(world)) world.breach ??= wrongDashboard(world, userId, found);
          },
          { timeZone },
        );
      mayStart('zones', 'reader', `${userId} is read in ${timeZone}`, work);
    }
    for (const of of SERIES) {
      const work = () =>
        series(
          userId,
          (found) => {
            if (isJudged(world)) world.breach ??= wrongSeries(world, userId, found);
          },
          of,
        );
      mayStart('zones', 'reader', `each ${of.interval} of ${userId} is read in ${of.timeZone}`, work);
    }
    mayStart('warms', 'rebuild', `${userId} is rebuilt`, () => warm([userId]));
    mayStart('repairs', 'repair', `${userId} is repaired`, () => repair([userId]));
    mayStart('reopens', 'reopen', `${userId} is reopened`, () => openAnew([userId]));
    mayStart('replaces', 'topic', `${userId} is rebuilt from the topic`, () => replace([userId]));
  }
  mayStart('openers', 'api', 'the API opens everybody', () => open(USERS));
  mayStart('warms', 'rebuild', 'everybody is rebuilt', () => warm(USERS, true));
  mayStart('fillers', 'filler', 'a filler begins', () => filler());
  may('slowClocks', 'a filler begins whose clock is slow', async () => {
    await world.start('slow filler', filler(), SLOW_CLOCK_MS);
  });
  mayStart('discards', 'discard', 'all counters are thrown away', () => discard(partitions));
  mayStart('audits', 'verify', 'everybody is audited', () =>
    audit(USERS, (differences) => {
      if (differences.length > 0 && isJudged(world))
        world.breach ??= `verify says ${JSON.stringify(differences)}`;
    }),
  );
  return steps;
}

/** Counters of a generation that is about to be replaced are not compared with rows of a Mongo put back. */
function isJudged({ outdated, lostRows }: World): boolean {
  return outdated.size === 0 && !lostRows;
}

function arrive(world: World, command: World['late'][number]): void {
  world.late = world.late.filter((other) => other !== command);
  command.effect();
}

/**
 * The promise for a Mongo put back holds only if the checkpoints tell of it, or if nothing that was counted is gone
 * ("Limits" in docs/design.md).
 */
function mayPutBack(world: World, backup: Contents): boolean {
  // It would begin a generation whose checkpoints are those of the Mongo before.
  if (world.workers.some(({ name }) => name.startsWith('discard'))) return false;
  const storedThen = (partition: number) => Number(backup.progress.get(`0:${partition}`)?.stored ?? -1);
  if (isAhead(world, storedThen)) return true;
  return (
    world.workers.length === 0 &&
    world.late.length === 0 &&
    openUsers(world).every(({ applied }) =>
      [...applied].every(([partition, offset]) => offset <= storedThen(partition)),
    )
  );
}

export async function putMongoBack(world: World, backup: Contents): Promise<void> {
  await world.putMongoBack(backup);
  world.dumps.length = 0;
  const ahead = isAhead(world, (partition) => world.mongo.stored(`0:${partition}`));
  if (ahead) world.outdated.add(generationIn(world.redis.hashes)!);
}

/**
 * A Redis dumped before Mongo was put back, or before ingest noticed, counts calls whose rows are gone, with checkpoints
 * that Mongo may have reached again. Nothing tells of it, as that section says.
 */
function mayReturnTo({ outdated }: World, dump: Hashes): boolean {
  return !outdated.has(generationIn(dump) ?? '');
}

function isAhead({ redis, topic }: World, stored: (partition: number) => number): boolean {
  return topic.log.some(
    (_, partition) => Number(redis.ledgerOf(USERS[0]!).get(`mark:0:${partition}`) ?? -1) > stored(partition),
  );
}
