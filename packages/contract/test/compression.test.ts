import { spawn } from 'node:child_process';
import { once } from 'node:events';
import zlib from 'node:zlib';
import { ensureTopics, kafkaClient, registerCodecs } from '@calltally/contract';
import { obtainKcat, testKafka, uniqueName } from '@calltally/stack/testing';
import kafkajs from 'kafkajs';
import { compressFrame } from 'lz4-napi';
import snappy from 'snappy';
import { test } from 'tap';
import { readZstdByLibrary } from '../src/codecs/zstd.ts';
import { readMessages } from './support.ts';

const COUNT = 3_000;

/** Repetitive as events are, so that it compresses, and every value another. */
const values = Array.from({ length: COUNT }, (_, index) =>
  JSON.stringify({
    call_id: `call-${index}-${'é'.repeat(index % 40)}`,
    user_id: `user-${index % 7}`,
    started_at: '2026-03-01T09:30:00Z',
    duration_seconds: index / 8,
  }),
);

const CODECS: [string, kafkajs.CompressionTypes][] = [
  ['gzip', kafkajs.CompressionTypes.GZIP],
  ['snappy', kafkajs.CompressionTypes.Snappy],
  ['lz4', kafkajs.CompressionTypes.LZ4],
  ['zstd', kafkajs.CompressionTypes.ZSTD],
];

async function writeWithKcat(broker: string, topic: string, codec: string): Promise<void> {
  const settings = ['linger.ms=200', 'batch.num.messages=1000', 'batch.size=900000'];
  const args = [
    '-P',
    '-b',
    broker,
    '-t',
    topic,
    '-p',
    '0',
    '-z',
    codec,
    ...settings.flatMap((s) => ['-X', s]),
  ];
  const kcat = spawn(await obtainKcat(), args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  kcat.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  kcat.stdin.end(`${values.join('\n')}\n`);
  const [status] = await once(kcat, 'close');
  if (status !== 0) throw new Error(`kcat: ${complaint}`);
}

test('what librdkafka writes with any codec is read byte for byte', async (t) => {
  const engine = await testKafka(t);
  const kafka = kafkaClient({ brokers: [engine.address], clientId: 'codecs-test' });
  const admin = kafka.admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());

  for (const [codec, type] of CODECS) {
    await t.test(codec, async (t) => {
      const uses = countUses(type);
      const topic = uniqueName(`codec-${codec}`);
      await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 1 });
      await writeWithKcat(engine.address, topic, codec);
      const read = await readMessages(kafka, topic, COUNT);
      t.equal(read.length, COUNT);
      t.same(
        read.map(({ value }) => String(value)),
        values,
      );
      t.ok(uses() > 0, 'it was compressed');
    });
  }

  await t.test('batches that brokers recompress are read, too', async (t) => {
    for (const [codec, type] of CODECS) {
      const uses = countUses(type);
      const topic = uniqueName(`broker-${codec}`);
      const configEntries = [{ name: 'compression.type', value: codec }];
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] });
      await writeWithKcat(engine.address, topic, 'none');
      const read = await readMessages(kafka, topic, COUNT);
      t.same(
        read.map(({ value }) => String(value)),
        values,
        `${codec}, as Java writes it`,
      );
      t.ok(uses() > 0, 'it was compressed');
    }
  });

  await t.test('gzip can be written; the other codecs refuse to', async (t) => {
    const topic = uniqueName('written');
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    t.teardown(() => producer.disconnect());
    const messages = values.slice(0, 50).map((value) => ({ value }));
    await producer.send({ topic, messages, compression: kafkajs.CompressionTypes.GZIP });
    t.equal((await readMessages(kafka, topic, 50)).length, 50);
    for (const codec of ['Snappy', 'LZ4', 'ZSTD'] as const) {
      const sending = producer.send({ topic, messages, compression: kafkajs.CompressionTypes[codec] });
      await t.rejects(sending, { message: /CODEC_READ_ONLY/ });
    }
  });
});

/** How often kafkajs asks for a codec from now on, which proves that what it read was compressed. */
function countUses(type: kafkajs.CompressionTypes): () => number {
  const codecs = kafkajs.CompressionCodecs as Record<number, () => unknown>;
  const codecOf = codecs[type]!;
  let uses = 0;
  codecs[type] = () => {
    uses++;
    return codecOf();
  };
  return () => uses;
}

/** Blocks of one repeated byte, which zstd writes in four bytes each. */
function zstdOfZeros(blocks: number): Buffer {
  const BLOCK_BYTES = 128 * 1024;
  const body = Buffer.alloc(blocks * 4);
  for (let index = 0; index < blocks; index++) {
    const last = index === blocks - 1 ? 1 : 0;
    body.writeUIntLE((BLOCK_BYTES << 3) | (1 << 1) | last, index * 4, 3);
  }
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x50]), body]);
}

function xerial(blocks: Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const framed = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([header, ...framed]);
}

const Types = kafkajs.CompressionTypes;
const decompress = (type: kafkajs.CompressionTypes, compressed: Buffer): Promise<Buffer> => {
  registerCodecs();
  const codecs = kafkajs.CompressionCodecs as Record<
    number,
    () => { decompress(from: Buffer): Promise<Buffer> }
  >;
  return codecs[type]!().decompress(compressed);
};

test('a batch that unpacks to more than the limit is refused without unpacking it', async (t) => {
  const zeros = Buffer.alloc(65 * 1024 * 1024);
  const raw = snappy.compressSync(zeros);
  const part = snappy.compressSync(zeros.subarray(0, 22 * 1024 * 1024));
  const bombs: [kafkajs.CompressionTypes, Buffer][] = [
    [Types.GZIP, zlib.gzipSync(zeros)],
    [Types.Snappy, raw],
    [Types.Snappy, xerial([part, part, part])],
    [Types.LZ4, await compressFrame(zeros)],
    [Types.ZSTD, zstdOfZeros(8 * 65)],
  ];
  const refusal = { code: 'CODEC_BATCH_UNREADABLE', retriable: false };
  for (const [type, bomb] of bombs) await t.rejects(decompress(type, bomb), refusal, Types[type]);
});

test('a large batch within the limit is unpacked', async (t) => {
  const zeros = Buffer.alloc(60 * 1024 * 1024);
  const part = snappy.compressSync(zeros.subarray(0, 20 * 1024 * 1024));
  const batches: [kafkajs.CompressionTypes, Buffer][] = [
    [Types.GZIP, zlib.gzipSync(zeros)],
    [Types.Snappy, snappy.compressSync(zeros)],
    [Types.Snappy, xerial([part, part, part])],
    [Types.LZ4, await compressFrame(zeros)],
    [Types.ZSTD, zstdOfZeros(8 * 60)],
  ];
  for (const [type, batch] of batches) t.ok((await decompress(type, batch)).equals(zeros), Types[type]);
  t.ok(readZstdByLibrary(zstdOfZeros(8 * 60)).equals(zeros), 'zstd without the help of Node');
});

test('a garbage batch is refused, whatever the garbage', async (t) => {
  const garbage = [
    '',
    '00',
    '8253',
    '82534e415050590000000001000000010000ffff00',
    '04224d18',
    'ff'.repeat(40),
  ];
  for (const type of [Types.GZIP, Types.Snappy, Types.LZ4, Types.ZSTD]) {
    for (const hex of garbage) {
      const unpacked = await decompress(type, Buffer.from(hex, 'hex')).catch(
        (error: { code: string }) => error.code,
      );
      const harmless = unpacked instanceof Uint8Array && unpacked.length === 0;
      t.ok(harmless || unpacked === 'CODEC_BATCH_UNREADABLE', `${Types[type]} ${hex.slice(0, 12)}`);
    }
  }
});
