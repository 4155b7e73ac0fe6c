import { test } from 'tap';
import { callValue, DeadLetterWorld } from '../dead-letters/support.ts';

test('dlq discard', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const [a, b, c, d] = await world.letters([
    { value: '{', code: 'EVENT_NOT_JSON' },
    { value: '', code: 'EVENT_EMPTY' },
    { value: '', code: 'EVENT_EMPTY' },
    { key: 'u-1', value: callValue('c-1') },
  ]);
  const open = async () => (await world.json(['list'])).out.letters.map(({ id }: { id: string }) => id);

  await t.test('needs --yes, and ids or filters', async (t) => {
    for (const args of [[a!], ['--code', 'EVENT_EMPTY'], ['--yes'], []]) {
      t.match(await world.json(['discard', ...args]), { status: 2, errors: [{ code: 'USAGE' }] });
    }
    t.strictSame(await open(), [a, b, c, d]);
  });

  await t.test('marks what was named or let through by filters, and deletes nothing', async (t) => {
    t.match(await world.json(['discard', a!, '--yes']), {
      status: 0,
      out: { discarded: 1, already: 0, problems: 0 },
    });
    t.match(await world.json(['discard', a!, '--yes']), { status: 0, out: { discarded: 0, already: 1 } });
    t.match((await world.dlq(['discard', '--code', 'EVENT_EMPTY', '--yes'])).out, '2 discarded');
    t.strictSame(await open(), [d]);
    t.equal((await world.json(['list', '--all'])).out.letters.length, 4);
    t.match((await world.dlq(['show', a!])).out, /^state +discarded since 2/m);
  });

  await t.test('what is discarded is not retried by filters, and by id only when asked again', async (t) => {
    t.match(await world.json(['retry', '--yes']), { status: 0, out: { retried: 1 } });
    t.match(await world.json(['retry', b!]), { status: 1, errors: [{ letter: b, code: 'LETTER_SETTLED' }] });
    t.match(await world.json(['retry', b!, '--again', '--force']), { status: 0, out: { retried: 1 } });
  });

  await t.test('what is retried is not discarded, unless named and asked again', async (t) => {
    t.match(await world.json(['discard', '--since', '2026-01-01', '--yes']), {
      status: 0,
      out: { discarded: 0 },
    });
    t.match(await world.json(['discard', d!, '--yes']), {
      status: 1,
      errors: [{ letter: d, code: 'LETTER_SETTLED' }],
    });
    t.match(await world.json(['discard', d!, '--yes', '--again']), { status: 0, out: { discarded: 1 } });
  });
});
