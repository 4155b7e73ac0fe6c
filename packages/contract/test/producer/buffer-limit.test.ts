import { test } from 'tap';
import { BufferLimit } from '../../src/producer/buffer-limit.ts';

test('callers without a place wait in order of arrival', async (t) => {
  const room = new BufferLimit(2);
  const entered: string[] = [];
  const take = (name: string) =>
    room.take(
      60_000,
      () => entered.push(name),
      () => t.fail(`${name} gave up`),
    );
  for (const name of ['a', 'b', 'c', 'd', 'e']) take(name);
  t.same(entered, ['a', 'b']);
  room.leave(1);
  t.same(entered, ['a', 'b', 'c']);
  take('f');
  room.leave(2);
  t.same(entered, ['a', 'b', 'c', 'd', 'e'], 'nobody overtakes');
  room.leave(3);
  take('g');
  t.same(entered.slice(-2), ['f', 'g']);
});

test('a caller that waits too long gives up, and takes no place from others', async (t) => {
  const room = new BufferLimit(1);
  room.take(
    0,
    () => {},
    () => {},
  );
  await new Promise<void>((resolve) => room.take(1, () => t.fail('no place was free'), resolve));
  room.leave(1);
  let entered = false;
  room.take(
    1,
    () => {
      entered = true;
    },
    () => {},
  );
  t.ok(entered);
});
