import { randomInt } from 'node:crypto';
import { CounterSession, readGenerations } from '@calltally/counters';
import { openStore } from '@calltally/store';
import { fillPieces, PieceReader, reopen, repairUsers } from '../src/index.ts';

/*
 * A process that fills users, and reopens some, until fill-killed.test.ts kills it.
 * Arguments: Redis, Mongo, database, then the users. Writes a line when it has started.
 */
const [redis, mongo, database, ...users] = process.argv.slice(2) as [string, string, string, ...string[]];
const limits = { commandTimeoutMs: 20_000, openTimeoutMs: 20_000 };
const store = openStore({ uri: mongo, database, timeoutMs: 20_000, selectionTimeoutMs: 10_000 });
const session = await CounterSession.open({ url: redis, ...limits });
const ledger = { store, session, generations: await readGenerations(session) };
console.log('begins');
for (;;) {
  const pieces = new PieceReader(store.tallies, {
    wholeTimeoutMs: randomInt(3) === 0 ? 1_000 : 0,
    rowsWanted: randomInt(5, 100),
    firstSpanMs: randomInt(1, 30) * 86_400_000,
  });
  const some = users.filter(() => randomInt(2) === 0);
  const what = randomInt(12);
  if (what === 0) await reopen(ledger, some);
  else if (what === 1) await repairUsers(ledger, some, { pieces });
  else for (let times = randomInt(6); times >= 0; times--) await fillPieces(ledger, pieces, some);
}
