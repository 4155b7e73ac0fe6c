import { test } from 'tap';
import { callValue, DeadLetterWorld } from '../dead-letters/support.ts';

test('dlq show', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const NASTY = '\u001b[2J\u009b31m\u202e\u2028\u007f\u{e0041}';
  const [call, bytes, nasty, bare, long] = await world.letters([
    {
      key: 'u-1',
      value: callValue('c-1', { duration_seconds: -1 }),
      headers: { traceparent: 'abc', 'error-code': 'theirs', many: ['a', 'b'] },
      code: 'DURATION_INVALID',
      message: 'duration_seconds is negative',
      partition: 2,
      offset: 4711,
    },
    { key: Buffer.from([0xff, 0x1b]), value: Buffer.from([0x1f, 0x8b, 0xff, 0x1b]) },
    { key: NASTY, value: JSON.stringify({ [NASTY]: NASTY }), headers: { [NASTY]: NASTY }, message: NASTY },
    { key: null, value: null, code: 'EVENT_EMPTY' },
    { key: 'k'.repeat(1_000), value: JSON.stringify('x'.repeat(9_998)) },
  ]);

  await t.test('tells everything of a letter, its JSON indented', async (t) => {
    const { status, out, err } = await world.dlq(['show', call!]);
    t.equal(status, 0, err);
    t.equal(
      out,
      [
        `letter     ${call}`,
        'failed at  2026-03-01T12:00:00.000Z',
        'code       DURATION_INVALID',
        'message    duration_seconds is negative',
        `source     ${world.topic} 2:4711`,
        'state      open',
        'key        "u-1"',
        'header     "traceparent" "abc"',
        'header     "many" "a"',
        'header     "many" "b"',
        'header     "error-code" "theirs"',
        'value      91 bytes, JSON',
        '{',
        '  "call_id": "c-1",',
        '  "user_id": "u-1",',
        '  "started_at": "2026-03-01T09:30:00Z",',
        '  "duration_seconds": -1',
        '}',
        '',
      ].join('\n'),
    );
  });

  await t.test('headers of any name, with and without a value', async (t) => {
    const names = ['constructor', '__proto__', 'toString', ''];
    const headers = Object.fromEntries(names.map((name) => [name, null]));
    const [odd] = await world.letters([{ key: 'u-1', value: '[', headers }]);
    const { status, out, err } = await world.dlq(['show', odd!]);
    t.equal(status, 0, err);
    for (const name of names) t.match(out, `header     ${JSON.stringify(name)} none\n`);
    const { out: json } = await world.json(['show', odd!]);
    t.strictSame(json.headers.map(({ name }: { name: string }) => name).sort(), names.toSorted());
  });

  await t.test('what is not in a letter, and all offsets that it stands for', async (t) => {
    const [cut] = await world.letters([
      { key: 'u-1', value: 'x'.repeat(300_000), offset: 7_000, lastOffset: 7_009 },
    ]);
    const { out } = await world.dlq(['show', cut!]);
    t.match(out, `source     ${world.topic} 0:7000-7009\n`);
    t.match(out, 'cut        value: the first 262144 of 300000 bytes\n');
    t.match((await world.json(['show', cut!])).out, {
      source: { offset: 7_000, last_offset: 7_009 },
      cut: /value/,
    });
  });

  await t.test('bytes are a hex dump, and nothing is said to be nothing', async (t) => {
    const { out } = await world.dlq(['show', bytes!]);
    t.match(out, 'key        hex ff1b\nvalue      4 bytes, bytes\n00000000  1f 8b ff 1b');
    t.match((await world.dlq(['show', bare!])).out, 'key        none\nvalue      none\n');
  });

  await t.test('a hostile letter cannot touch the terminal by any of its parts', async (t) => {
    for (const args of [
      ['show', nasty!],
      ['show', nasty!, '--full'],
      ['show', nasty!, '--json'],
      ['list'],
      ['list', '--json'],
    ]) {
      const { status, out, err } = await world.dlq(args);
      t.equal(status, 0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
      t.notMatch(out + err, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\udb40]/, args.join(' '));
      t.match(out, '\\u001b[2J\\u009b31m\\u202e\\u2028\\u007f\\udb40\\udc41');
    }
    const { out } = await world.json(['show', nasty!]);
    t.strictSame(JSON.parse(out.value.text), { [NASTY]: NASTY }, 'a program gets it as it was');
    t.strictSame(out.headers, [{ name: NASTY, value: { text: NASTY } }]);
  });

  await t.test('what is long is cut and says by how much, unless asked in full', async (t) => {
    const cut = await world.dlq(['show', long!]);
    t.match(cut.out, /^key {8}"k{256}" … 744 more bytes$/m);
    t.match(cut.out, /^… 5904 more bytes$/m);
    const full = await world.dlq(['show', long!, '--full']);
    t.match(full.out, /^key {8}"k{1000}"$/m);
    t.match(full.out, /^"x{9998}"$/m);
  });

  await t.test('--json has the whole of it, as text or as base64', async (t) => {
    const { out } = await world.json(['show', bytes!]);
    t.match(out, {
      id: bytes,
      key: { base64: '/xs=' },
      value: { base64: 'H4v/Gw==' },
      headers: [],
      state: 'open',
    });
    t.match((await world.json(['show', bare!])).out, { key: null, value: null });
    t.equal((await world.json(['show', long!])).out.value.text.length, 10_000);
  });

  await t.test('a letter that is not there is an error; what is no id, a usage error', async (t) => {
    for (const id of ['0:99', '7:0']) {
      const { status, out, errors } = await world.json(['show', id]);
      t.equal(status, 1);
      t.equal(out, undefined);
      t.match(errors, [{ letter: id, code: 'LETTER_UNKNOWN' }]);
    }
    for (const id of ['x', '0', '0:-1', '0:1:2']) t.equal((await world.json(['show', id])).status, 2);
  });
});
