import { test } from 'tap';
import { type Asked, everSince, noteReply } from '../../../src/figures/whale/watch.ts';

const seen = (): Asked => ({
  answers: 0,
  refusals: 0,
  failures: 0,
  slowestMs: 0,
  windowSeconds: Number.NaN,
  wholeSeconds: Number.NaN,
  allAnswered: 0,
  allRefused: 0,
});

test('a refusal with Retry-After is no failure; any other answer but 200 is', (t) => {
  const asked = seen();
  const reply = { text: '', source: undefined };
  noteReply(asked, { ...reply, status: 200, headers: {}, tookMs: 3 });
  noteReply(asked, { ...reply, status: 503, headers: { 'retry-after': '1' }, tookMs: 9 });
  t.match(asked, { answers: 2, refusals: 1, failures: 0, slowestMs: 9 });
  noteReply(asked, { ...reply, status: 503, headers: {}, tookMs: 1 });
  noteReply(asked, { ...reply, status: 500, headers: { 'retry-after': '1' }, tookMs: 1 });
  t.match(asked, { answers: 4, refusals: 3, failures: 2, slowestMs: 9 });
  t.end();
});

test('the query for all calls starts with a whole UTC day', (t) => {
  t.equal(everSince(Date.parse('2024-05-06T07:08:09Z')), '?start_date=2024-05-06');
  t.end();
});
