import fc from 'fast-check';
import { test } from 'tap';
import { UserSampler } from '../src/user-sampler.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const atMost = fc.integer({ min: 0, max: 20 });
const salt = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const seen = fc.array(
  fc.integer({ min: 0, max: 200 }).map((i) => `user-${i}`),
  { maxLength: 500 },
);

function sampleOf(users: readonly string[], limits: { share: number; atMost: number }, salted: number) {
  const active = new UserSampler(limits, () => salted);
  for (const userId of users) active.add(userId);
  return active.take();
}

test('whoever is seen, a sample is bounded, holds each user once and nobody else, and of some users one at least', (t) => {
  fc.assert(
    fc.property(seen, share, atMost, salt, (users, share, atMost, salt) => {
      const sample = sampleOf(users, { share, atMost }, salt);
      const isOff = share === 0 || atMost === 0;
      return (
        sample.length <= atMost &&
        new Set(sample).size === sample.length &&
        sample.every((userId) => users.includes(userId)) &&
        sample.length > 0 === (users.length > 0 && !isOff)
      );
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

test('who is in a sample depends on who was seen, and not on how often or when', (t) => {
  fc.assert(
    fc.property(seen, share, atMost, salt, (users, share, atMost, salt) => {
      const once = [...new Set(users)].sort();
      const limits = { share, atMost };
      return String(sampleOf(users, limits, salt)) === String(sampleOf(once, limits, salt));
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

test('everybody is in a sample where the share is all and there is room', (t) => {
  fc.assert(
    fc.property(seen, salt, (users, salt) => {
      const sample = sampleOf(users, { share: 1, atMost: 1_000 }, salt);
      return String(sample.sort()) === String([...new Set(users)].sort());
    }),
    { numRuns: 500 },
  );
  t.end();
});

test('of many users a sample holds about the share, and every user has his turn', (t) => {
  const users = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
  let next = 0;
  const active = new UserSampler({ share: 0.1, atMost: 1_000 }, () => next++);
  const turns = new Map<string, number>();
  for (let round = 0; round < 100; round++) {
    for (const userId of users) active.add(userId);
    const sample = active.take();
    t.ok(sample.length > 50 && sample.length < 150, `${sample.length} of 1000`);
    for (const userId of sample) turns.set(userId, (turns.get(userId) ?? 0) + 1);
  }
  t.equal(turns.size, 1_000);
  t.ok(Math.max(...turns.values()) < 30, `at most ${Math.max(...turns.values())} times of 100`);
  t.strictSame(active.take(), [], 'what was taken is forgotten');
  t.end();
});
