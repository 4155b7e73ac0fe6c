import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import { kafkaTopics } from '../kafka-topics.ts';
import { calltally, folder, NOWHERE } from '../support.ts';

const event = (n: number, more: object = {}) =>
  JSON.stringify({
    call_id: `c-${n}`,
    user_id: `u-${n % 7}`,
    started_at: '2026-03-01T09:30:00Z',
    duration_seconds: n,
    ...more,
  });

test('publish on a real Kafka', async (t) => {
  const topics = await kafkaTopics(t);

  await t.test('every event of a file, blank lines left out', async (t) => {
    const { topic, env } = await topics.newTopic();
    const cwd = await folder(t);
    const lines = Array.from({ length: 12_000 }, (_, n) => event(n));
    await writeFile(join(cwd, 'calls.ndjson'), `\ufeff${lines.join('\n\n \r\n')}`);
    const { status, out, err } = await calltally(['publish', 'calls.ndjson', '--json'], { env, cwd });
    t.equal(status, 0, err);
    t.strictSame(JSON.parse(out), { published: 12_000, invalid: 0, failed: 0, complete: true });
    t.equal(await topics.countIn(topic), 12_000);
  });

  await t.test('of a CloudEvent its data is published, under the key of its user', async (t) => {
    const { topic, env } = await topics.newTopic();
    const data = JSON.parse(event(1, { user_id: '+15550100042' }));
    const lines = [
      { specversion: '1.0', data },
      { specversion: '1.0', data: { ...data, user_id: ' ' } },
    ];
    const stdin = [Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'))];
    const { out, err } = await calltally(['publish', '-', '--json'], { env, stdin });
    t.match(JSON.parse(out), { published: 1, invalid: 1 });
    t.match(JSON.parse(err).error, { line: 2, field: 'data.user_id', code: 'FIELD_INVALID' });
    const consumer = topics.client.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const message = await new Promise<{ key: Buffer | null; value: Buffer | null }>((resolve, reject) => {
      consumer.run({ eachMessage: async ({ message: one }) => resolve(one) }).catch(reject);
    });
    await consumer.disconnect();
    t.equal(String(message.key), '+15550100042');
    t.same(JSON.parse(String(message.value)), data);
  });

  await t.test('invalid lines are named with field and reason, the others are published', async (t) => {
    const { topic, env } = await topics.newTopic();
    const stdin = [
      event(1),
      'not json',
      event(2, { duration_seconds: -1 }),
      '',
      event(3, { user_id: undefined }),
      Buffer.from([0xff, 0xfe]),
      `"${'x'.repeat(70_000)}"`,
      event(4),
    ].flatMap((line) => [Buffer.from(line), Buffer.from('\n')]);
    const text = await calltally(['publish', '-'], { env, stdin });
    t.equal(text.status, 1);
    t.match(text.out, '2 published, 5 invalid');
    t.match(text.err, /^line 3: duration_seconds: .*\(DURATION_INVALID\)$/m);
    const json = await calltally(['publish', '-', '--json'], { env, stdin });
    t.equal(json.status, 1);
    const errors = json.err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).error);
    t.strictSame(
      errors.map(({ line, field, code }) => [line, field, code]),
      [
        [2, undefined, 'EVENT_NOT_JSON'],
        [3, 'duration_seconds', 'DURATION_INVALID'],
        [5, 'user_id', 'FIELD_MISSING'],
        [6, undefined, 'EVENT_NOT_UTF8'],
        [7, undefined, 'EVENT_TOO_LARGE'],
      ],
    );
    t.equal(await topics.countIn(topic), 4);
  });

  await t.test('a topic that is not there is an error, and nothing counts as published', async (t) => {
    const env = topics.environmentOf(uniqueName('missing'));
    const { status, out, err } = await calltally(['publish', '-', '--json'], {
      env,
      stdin: [Buffer.from(event(1))],
    });
    t.equal(status, 1);
    t.match(JSON.parse(out), { published: 0, failed: 1 });
    t.match(JSON.parse(err).error.code, /^PRODUCER_/);
  });

  await t.test('asked to stop, it says so, and tells what was acknowledged', async (t) => {
    const { topic, env } = await topics.newTopic();
    const stopping = new AbortController();
    function* endless() {
      for (let n = 0; ; n++) {
        if (n === 1000) stopping.abort();
        yield Buffer.from(`${event(n)}\n`);
      }
    }
    const { status, out } = await calltally(['publish', '-', '--json'], {
      env,
      stdin: endless(),
      signal: stopping.signal,
    });
    t.equal(status, 130);
    const { published, complete } = JSON.parse(out);
    t.equal(complete, false);
    t.equal(await topics.countIn(topic), published);
  });
});

test('a file that cannot be read is an error', async (t) => {
  const cwd = await folder(t);
  for (const file of ['missing.ndjson', '.']) {
    const { status, err } = await calltally(['publish', file, '--json'], { env: NOWHERE, cwd });
    t.equal(status, 1);
    t.equal(JSON.parse(err).error.code, 'FILE_UNREADABLE');
  }
});
