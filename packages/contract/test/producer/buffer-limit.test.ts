import { test } from 'tap';
import { BufferLimit } from '../../src/producer/buffer-limit.ts';

test('callers without a place wait in order of arrival', async (t) => {
  const room = new BufferLimit({ events: 2, bytes: 100 });
  const entered: string[] = [];
  const take = (name: string) =>
    room.take(
      0,
      60_000,
      () => entered.push(name),
      () => t.fail(`${name} gave up`),
    );
  for (const name of ['a', 'b', 'c', 'd', 'e']) take(name);
  t.same(entered, ['a', 'b']);
  room.leave({ events: 1, bytes: 0 });
  t.same(entered, ['a', 'b', 'c']);
  take('f');
  room.leave({ events: 2, bytes: 0 });
  t.same(entered, ['a', 'b', 'c', 'd', 'e'], 'nobody overtakes');
  room.leave({ events: 3, bytes: 0 });
  take('g');
  t.same(entered.slice(-2), ['f', 'g']);
});

test('a caller that waits too long gives up, and takes no place from others', async (t) => {
  const room = new BufferLimit({ events: 1, bytes: 100 });
  room.take(
    0,
    0,
    () => {},
    () => {},
  );
  await new Promise<void>((resolve) => room.take(0, 1, () => t.fail('no place was free'), resolve));
  room.leave({ events: 1, bytes: 0 });
  let entered = false;
  room.take(
    0,
    1,
    () => {
      entered = true;
    },
    () => {},
  );
  t.ok(entered);
});

test('bytes are limited as well, and nobody overtakes a large event', async (t) => {
  const room = new BufferLimit({ events: 10, bytes: 100 });
  const entered: string[] = [];
  const take = (name: string, bytes: number) =>
    room.take(
      bytes,
      60_000,
      () => entered.push(name),
      () => t.fail(`${name} gave up`),
    );
  take('a', 60);
  take('b', 40);
  take('c', 70);
  take('d', 1);
  t.same(entered, ['a', 'b']);
  room.leave({ events: 1, bytes: 40 });
  t.same(entered, ['a', 'b'], 'c does not fit yet');
  room.leave({ events: 1, bytes: 60 });
  t.same(entered, ['a', 'b', 'c', 'd']);
  take('e', 500);
  room.leave({ events: 1, bytes: 1 });
  t.same(entered.slice(4), [], 'e is larger than the limit');
  room.leave({ events: 1, bytes: 70 });
  t.same(entered.slice(4), ['e'], 'and enters alone');
  take('f', 1);
  t.same(entered.slice(5), []);
  room.leave({ events: 1, bytes: 500 });
  t.same(entered.slice(5), ['f']);
});

test('whoever waits behind an event that gives up enters if there is room for it', async (t) => {
  const room = new BufferLimit({ events: 10, bytes: 100 });
  const none = () => t.fail('not expected');
  room.take(60, 0, () => {}, none);
  await new Promise<void>((resolve) => {
    room.take(50, 1, none, () => {});
    room.take(40, 60_000, resolve, none);
  });
});
