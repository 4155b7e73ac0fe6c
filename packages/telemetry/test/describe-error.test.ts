import { test } from 'tap';
import { type DescribedError, describeError } from '../src/index.ts';

test('a chain of causes is followed five levels deep, even in a cycle', (t) => {
  const ring = new Error('ring');
  ring.cause = ring;
  let depth = 0;
  for (let at: DescribedError | undefined = describeError(ring); at; at = at.cause) depth += 1;
  t.equal(depth, 5);
  t.end();
});

test('the first ten errors of an AggregateError are described', (t) => {
  const parts = Array.from({ length: 12 }, (_, index) => new Error(`part ${index}`));
  t.same(
    describeError(new AggregateError(parts)).errors?.map(({ message }) => message),
    parts.slice(0, 10).map(({ message }) => message),
  );
  t.end();
});

test('values that are not errors are described, too', (t) => {
  t.same(describeError('redis://:hunter2@h'), { type: 'string', message: 'redis://***@h' });
  t.same(describeError(undefined), { type: 'undefined', message: 'undefined' });
  t.end();
});
