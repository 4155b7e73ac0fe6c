import { test } from 'tap';
import { DeadLetterWorld } from '../dead-letters/support.ts';

test('dlq list', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const idsOf = async (args: string[]) => {
    const { status, out, errors } = await world.json(['list', ...args]);
    t.strictSame({ status, errors }, { status: 0, errors: [] }, args.join(' '));
    return out.letters.map(({ id }: { id: string }) => id);
  };

  await t.test('an empty topic has no letters, and a missing one is said to be missing', async (t) => {
    t.strictSame(await world.json(['list']), { status: 0, out: { letters: [], more: false }, errors: [] });
    t.match(await world.dlq(['list']), { status: 0, out: 'no letters' });
    const missing = await world.json(['list'], {
      env: { ...world.env, KAFKA_DLQ_TOPIC: `${world.topic}.none` },
    });
    t.match(missing, { status: 1, errors: [{ code: 'DLQ_UNKNOWN' }] });
  });

  const [a, b, c, d] = await world.letters([
    { value: '{', partition: 0, failedAt: '2026-03-01T12:00:00Z' },
    { value: '', partition: 1, code: 'EVENT_EMPTY', failedAt: '2026-03-02T12:00:00.500Z' },
    { key: 'u-1', value: '[', partition: 1, failedAt: '2026-03-03T12:00:00Z', headers: { h: 'xyz' } },
    {
      value: '}',
      partition: 2,
      code: 'STARTED_AT_IN_FUTURE',
      message: 'too early',
      failedAt: '2026-03-04T00:00:00Z',
    },
  ]);

  await t.test('tells id, time, code, reason, source, size and state of every open letter', async (t) => {
    t.strictSame(await idsOf([]), [a, b, c, d]);
    const { out } = await world.json(['list']);
    t.strictSame(out.letters[2], {
      id: c,
      failed_at: '2026-03-03T12:00:00.000Z',
      code: 'EVENT_NOT_JSON',
      message: 'the value is not JSON',
      source: { topic: world.topic, partition: 1, offset: 2 },
      size_bytes: 3 + 1 + 4,
      state: 'open',
    });
    const text = await world.dlq(['list']);
    t.match(text, { status: 0, err: '' });
    t.match(
      text.out,
      new RegExp(`^${d} .*2026-03-04.*STARTED_AT_IN_FUTURE.*${world.topic} 2:3 .*too early$`, 'm'),
    );
    t.match(text.out, /^4 letters$/m);
  });

  await t.test(
    'filters go together: code, partition, and times that are inclusive as they are written',
    async (t) => {
      t.strictSame(await idsOf(['--code', 'EVENT_NOT_JSON']), [a, c]);
      t.strictSame(await idsOf(['--partition', '1']), [b, c]);
      t.strictSame(await idsOf(['--partition', '1', '--code', 'EVENT_EMPTY']), [b]);
      t.strictSame(await idsOf(['--since', '2026-03-02']), [b, c, d]);
      t.strictSame(await idsOf(['--until', '2026-03-02']), [a, b]);
      t.strictSame(await idsOf(['--until', '2026-03-02T12:00:00Z']), [a, b], 'that whole second');
      t.strictSame(await idsOf(['--until', '2026-03-02T12:00:00.499Z']), [a]);
      t.strictSame(await idsOf(['--since', '2026-03-04T01:00:00+01:00']), [d]);
    },
  );

  await t.test('--limit says whether there are more', async (t) => {
    t.match((await world.json(['list', '--limit', '2'])).out, {
      letters: [{ id: a }, { id: b }],
      more: true,
    });
    t.match((await world.json(['list', '--limit', '4'])).out, { more: false });
    t.match((await world.dlq(['list', '--limit', '1'])).out, '1 letter, and there are more');
  });

  await t.test('settled letters are left out unless --all, then with their state', async (t) => {
    t.equal((await world.dlq(['discard', b!, '--yes'])).status, 0);
    t.strictSame(await idsOf([]), [a, c, d]);
    const { out } = await world.json(['list', '--all']);
    t.match(out.letters[1], { id: b, state: 'discarded', state_since: /^2/ });
  });

  await t.test('a filter that cannot be read is a usage error', async (t) => {
    for (const args of [
      ['--code', 'NONSENSE'],
      ['--since', 'yesterday'],
      ['--until', '2026-02-30'],
      ['--partition', '-1'],
      ['--limit', 'x'],
      ['--limit', '0'],
      ['--limit', '-1'],
      ['--limit', '1.5'],
      ['--limit', ''],
      ['--limit', '1000000000'],
      ['--since', '2999-01-01'],
      ['--since', '2026-03-02', '--until', '2026-03-01'],
    ]) {
      const { status, errors } = await world.json(['list', ...args]);
      t.equal(status, 2, args.join(' '));
      t.equal(errors[0].code, 'USAGE');
    }
  });

  await t.test('thousands of letters, each once, in their order', async (t) => {
    const more = await world.letters(Array.from({ length: 3_000 }, (_, i) => ({ value: `{${i}` })));
    t.strictSame(await idsOf([]), [a, c, d, ...more]);
  });

  await t.test('asked to stop, it stops and says so', async (t) => {
    const stopping = new AbortController();
    stopping.abort();
    t.equal((await world.dlq(['list'], { signal: stopping.signal })).status, 130);
  });
});
