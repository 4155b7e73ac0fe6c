import { test } from 'tap';
import { requireMemory } from '../../src/from-kafka/witness.ts';

test('what does not fit into memory is refused by name, and what does is not', async (t) => {
  const fits = { users: 1_000_000, userDays: 12_000_000, waiting: 1_000_000 };
  requireMemory(fits);
  t.throws(() => requireMemory({ ...fits, userDays: 13_000_000 }), { code: 'TOPIC_TOO_LARGE' });
  t.throws(() => requireMemory({ ...fits, users: 2_000_000 }), { code: 'TOPIC_TOO_LARGE' });
  t.throws(() => requireMemory({ ...fits, waiting: 1_000_001 }), { code: 'INGEST_BEHIND' });
});
