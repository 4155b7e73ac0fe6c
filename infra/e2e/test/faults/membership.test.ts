import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle } from '../../src/compare.ts';
import { sendCalls, startWorld } from '../../src/world.ts';

/** Longer than the platform's session timeout of 1.5 s. */
const LONGER_THAN_A_SESSION_MS = 5_000;

test('while a store is unavailable, consumers stay in the group and can stop cleanly', async (t) => {
  const world = await startWorld(t, { users: 3, own: ['mongo'] });
  const { platform } = world;
  const [ingest] = platform.ingests;
  await sendCalls(world, 200);
  await platform.untilRead();
  const member = await platform.groupMembers();
  t.equal(member.length, 1);

  for (const engine of [platform.mongo, platform.redis]) {
    await engine.stop('SIGKILL');
    await sendCalls(world, 200);
    await sleep(LONGER_THAN_A_SESSION_MS);
    t.same(
      await platform.groupMembers(),
      member,
      `the same member of the group after ${engine.name} was away`,
    );
    await engine.start();
    await platform.untilRead();
    t.same(await compareWithOracle(world), [], `exact after ${engine.name} was away`);
  }

  await platform.mongo.stop('SIGKILL');
  await sendCalls(world, 200);
  await sleep(500);
  // Ingest promises to stop within 10 seconds.
  const ended = await Promise.race([ingest!.end('SIGTERM'), sleep(10_000, 'still there')]);
  t.equal(ended, 0, 'stopped within 10 seconds');
  await platform.mongo.start();
  await ingest!.start();
  await platform.untilRead();
  t.same(await compareWithOracle(world), [], 'and what waited was counted by the next process');
});
