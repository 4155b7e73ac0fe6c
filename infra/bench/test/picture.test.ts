import { test } from 'tap';
import { picture } from '../src/picture.ts';

const draw = (values: readonly number[]) =>
  picture('More of it', [
    {
      x: { title: 'users', scale: 'log', ticks: [{ at: 10, says: 'ten' }, { at: 1_000 }] },
      y: { title: 'answer, ms', scale: 'linear' },
      curves: [{ name: 'a curve', points: [10, 1_000].map((x) => ({ x, values })) }],
      limit: { x: 100, says: 'the limit' },
    },
  ]);

test('a picture has a title, axes with units, curves, ticks and limits', (t) => {
  const texts = [...draw([1, 2, 3]).matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text!);
  t.match(draw([1, 2, 3]), '<title>More of it</title>');
  for (const text of ['More of it', 'users', 'answer, ms', 'a curve', 'ten', '1 000', 'the limit']) {
    t.ok(texts.includes(text), text);
  }
  t.end();
});

test('the same numbers give the same picture, other numbers another', (t) => {
  t.equal(draw([1, 2, 3]), draw([1, 2, 3]));
  t.not(draw([1, 2, 3]), draw([1, 2, 4]));
  t.end();
});
