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
  const sampler = new UserSampler(limits, () => salted);
  for (const userId of users) sampler.add(userId);
  return sampler.take();
}

test('a sample is bounded, has each user once, nobody who was not added, and at least one user', (t) => {
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

test('a sample depends on who was added, not on how often or when', (t) => {
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

test('everybody is in the sample if the share is 1 and there is room', (t) => {
  fc.assert(
    fc.property(seen, salt, (users, salt) => {
      const sample = sampleOf(users, { share: 1, atMost: 1_000 }, salt);
      return String(sample.sort()) === String([...new Set(users)].sort());
    }),
    { numRuns: 500 },
  );
  t.end();
});

test('of many users a sample has about the share, and every user has their turn', (t) => {
  const users = Array.from({ length: 1_000 }, (_, i) => `user-${i}`);
  let next = 0;
  const sampler = new UserSampler({ share: 0.1, atMost: 1_000 }, () => next++);
  const turns = new Map<string, number>();
  for (let round = 0; round < 100; round++) {
    for (const userId of users) sampler.add(userId);
    const sample = sampler.take();
    t.ok(sample.length > 50 && sample.length < 150, `${sample.length} of 1000`);
    for (const userId of sample) turns.set(userId, (turns.get(userId) ?? 0) + 1);
  }
  t.equal(turns.size, 1_000);
  t.ok(Math.max(...turns.values()) < 30, `at most ${Math.max(...turns.values())} times of 100`);
  t.strictSame(sampler.take(), [], 'a taken sample is forgotten');
  t.end();
});
