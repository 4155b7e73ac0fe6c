import { randomBytes } from 'node:crypto';
import {
  CODECS,
  type Codec,
  encodeRecords,
  pack,
  type RawBatch,
  type RawRecord,
} from '@calltally/contract/testing';
import type { Message, Producer } from 'kafkajs';
import { whileConnected } from '../engines.ts';
import type { Chance } from '../random.ts';
import type { EdgeWorld } from './world.ts';

/** Writes something odd to a partition, and tells the world what must become of it. */
type Kind = (world: EdgeWorld, partition: number, chance: Chance) => Promise<void>;

const PACKED: readonly Codec[] = CODECS.slice(1);
const NAMES = [
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'error-code',
  'source-offset',
  'letter-cut',
  '',
  'ä',
];
/** More than the limit of an uncompressed batch. */
const BOMB_BYTES = 70 * 1024 * 1024;

/** Sends a batch in which each record becomes its own dead letter. */
async function sendBad(world: EdgeWorld, kind: string, partition: number, batch: RawBatch): Promise<void> {
  const first = await send(world, kind, partition, batch);
  if (first === undefined) return;
  for (const i of batch.records.keys()) {
    world.letters.push({ kind, partition, first: first + i, last: first + i });
  }
}

/** Sends an unreadable batch. One dead letter stands for all of it. */
async function sendUnreadable(
  world: EdgeWorld,
  kind: string,
  partition: number,
  batch: RawBatch,
): Promise<void> {
  const first = await send(world, kind, partition, batch);
  if (first !== undefined) {
    world.letters.push({ kind, partition, first, last: first + batch.records.length - 1 });
  }
}

/** Sends a batch of good events. All of them must be counted, unless the broker refuses the batch. */
async function sendGood(world: EdgeWorld, kind: string, partition: number, batch: RawBatch): Promise<void> {
  if ((await send(world, kind, partition, batch)) !== undefined) return;
  for (const { value } of batch.records) world.good.delete(JSON.parse(String(value)).call_id);
}

async function send(
  world: EdgeWorld,
  kind: string,
  partition: number,
  batch: RawBatch,
): Promise<number | undefined> {
  const first = await world.raw.send(partition, batch);
  if (first >= 0) return first;
  world.refused.push(`${kind} (${-first})`);
  return undefined;
}

const bad = (value: Buffer | null = Buffer.from('['), more: Partial<RawRecord> = {}): RawRecord => ({
  value,
  ...more,
});

/** Runs transactions on some partitions. Each ends as its argument says. */
async function transaction(world: EdgeWorld, work: (producer: Producer) => Promise<void>): Promise<void> {
  const producer = world.kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    transactionalId: `tx-${randomBytes(6).toString('hex')}`,
  });
  await whileConnected(producer, work);
}

const aborted = (world: EdgeWorld, partition: number, count: number, key?: Buffer): Message[] =>
  Array.from({ length: count }, () => ({ value: world.abortedValue(), partition, ...(key && { key }) }));

export const KINDS: Record<string, Kind> = {
  'header without a value': (world, partition, chance) =>
    sendBad(world, 'header without a value', partition, {
      records: [
        bad(undefined, {
          headers: [
            ['traceparent', null],
            ['x', Buffer.from('y')],
            ['x', null],
          ],
        }),
      ],
      codec: chance.pick(CODECS),
    }),
  'header with an odd name': async (world, partition, chance) => {
    for (const name of chance.shuffle(NAMES).slice(0, 3)) {
      const headers: [string, Buffer | null][] = [[name, Buffer.from('x')]];
      if (chance.chance(0.5)) headers.push([name, chance.chance(0.5) ? null : Buffer.from('z')]);
      await sendBad(world, 'header with an odd name', partition, { records: [bad(undefined, { headers })] });
    }
  },
  'header name that is no UTF-8': (world, partition) =>
    sendBad(world, 'header name that is no UTF-8', partition, {
      records: [bad(undefined, { headers: [[Buffer.from([0xff, 0xfe]), Buffer.from('x')]] })],
    }),
  'large headers': (world, partition) =>
    sendBad(world, 'large headers', partition, {
      records: [
        bad(undefined, {
          headers: Array.from({ length: 2_000 }, (_, i) => [`h${i}`, randomBytes(300)] as [string, Buffer]),
        }),
      ],
    }),
  'large key': (world, partition) =>
    sendBad(world, 'large key', partition, { records: [bad(null, { key: randomBytes(900_000) })] }),
  'value that is no event': (world, partition, chance) =>
    sendBad(world, 'value that is no event', partition, {
      records: chance.shuffle([
        bad(),
        bad(null),
        bad(Buffer.alloc(0)),
        bad(randomBytes(chance.int(1, 2_000))),
        bad(Buffer.from('['.repeat(60_000))),
        bad(randomBytes(chance.int(60_000, 200_000))),
      ]),
    }),
  'odd timestamp': async (world, partition, chance) => {
    for (const timestamp of [-1, 0, 8_640_000_000_000_001, 2 ** 53]) {
      const records = [bad(undefined, { timestampDelta: chance.pick([0, 1, 2 ** 40]) })];
      await sendBad(world, 'odd timestamp', partition, { records, timestamp });
    }
  },
  'good events in any codec': async (world, partition, chance) => {
    for (const codec of chance.shuffle(CODECS)) {
      const records = Array.from({ length: chance.int(1, 30) }, () => ({
        value: world.value(),
        headers: [['traceparent', null]] as [string, null][],
      }));
      await sendGood(world, 'good events in any codec', partition, { records, codec });
    }
  },
  'batch that unpacks to too much': async (world, partition, chance) => {
    const codec = chance.pick(PACKED);
    await sendUnreadable(world, `batch that unpacks to too much, ${codec}`, partition, {
      records: [{ value: Buffer.alloc(BOMB_BYTES) }],
      codec,
    });
  },
  'large values in one batch': (world, partition) => {
    // Repetitions close to each other compress so well that all of it fits into one batch.
    const value = Buffer.concat(Array(14).fill(randomBytes(60_000)));
    const records = Array.from({ length: 16 }, () => bad(value));
    return sendBad(world, 'large values in one batch', partition, { records, codec: 'lz4' });
  },
  'batch with something behind its records': async (world, partition, chance) => {
    const codec = chance.pick(PACKED);
    const records = [{ value: world.value() }];
    await sendGood(world, `batch with something behind its records, ${codec}`, partition, {
      records,
      codec,
      spoil: (packed) => Buffer.concat([packed, randomBytes(chance.int(1, 40))]),
    });
  },
  'batch whose records are cut off': async (world, partition, chance) => {
    const codec = chance.pick(CODECS);
    await sendUnreadable(world, `batch whose records are cut off, ${codec}`, partition, {
      records: [bad(randomBytes(500))],
      codec,
      spoil: (packed) => packed.subarray(0, packed.length - chance.int(1, 400)),
    });
  },
  'batch in two frames': async (world, partition, chance) => {
    const codec = chance.pick(['gzip', 'zstd'] as const);
    const records = [{ value: world.value() }, { value: world.value() }];
    const plain = encodeRecords(records);
    const half = Math.floor(plain.length / 2);
    const frames = Buffer.concat([
      await pack(codec, plain.subarray(0, half)),
      await pack(codec, plain.subarray(half)),
    ]);
    await sendGood(world, `batch in two frames, ${codec}`, partition, {
      records,
      codec,
      spoil: () => frames,
    });
  },
  'transaction that was aborted, last of all': (world, partition, chance) =>
    transaction(world, async (producer) => {
      const running = await producer.transaction();
      const messages = aborted(world, partition, chance.int(1, 20));
      await running.send({ topic: world.topic, messages, acks: -1 });
      await running.abort();
    }),
  'transaction that was committed': (world, partition, chance) =>
    transaction(world, async (producer) => {
      const running = await producer.transaction();
      const messages = Array.from({ length: chance.int(1, 20) }, () => ({ value: world.value(), partition }));
      await running.send({ topic: world.topic, messages, acks: -1 });
      await running.commit();
    }),
  'transactions within each other': (world, partition, chance) =>
    transaction(world, (a) =>
      transaction(world, async (b) => {
        const both = [a, b].map(
          (producer) => ({ producer, ends: chance.chance(0.3) ? 'commit' : 'abort' }) as const,
        );
        const running = await Promise.all(
          both.map(async (one) => ({ ...one, tx: await one.producer.transaction() })),
        );
        for (let turn = 0; turn < 6; turn++) {
          const { tx, ends } = turn < 2 ? running[turn]! : chance.pick(running);
          const messages =
            ends === 'abort'
              ? aborted(world, partition, chance.int(1, 4), chance.chance(0.5) ? Buffer.alloc(4) : undefined)
              : [{ value: world.value(), partition }];
          await tx.send({ topic: world.topic, messages, acks: -1 });
          if (chance.chance(0.3)) await world.sendGood(partition, 1);
        }
        // The last transaction to begin may end first.
        for (const { tx, ends } of chance.shuffle(running)) await tx[ends]();
      }),
    ),
};
