import { test } from 'tap';
import { requireRoom } from '../../src/from-kafka/room.ts';

test('what does not fit into memory is refused by name, and what does is not', async (t) => {
  const fits = { users: 1_000_000, userDays: 12_000_000, waiting: 1_000_000 };
  requireRoom(fits);
  t.throws(() => requireRoom({ ...fits, userDays: 13_000_000 }), { code: 'TOPIC_TOO_LARGE' });
  t.throws(() => requireRoom({ ...fits, users: 2_000_000 }), { code: 'TOPIC_TOO_LARGE' });
  t.throws(() => requireRoom({ ...fits, waiting: 1_000_001 }), { code: 'INGEST_BEHIND' });
});
