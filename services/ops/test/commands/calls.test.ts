import { recordRows } from '@calltally/ledger';
import { testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore, toRow } from '@calltally/store';
import { test } from 'tap';
import { calltally, databaseOn, NOWHERE } from '../support.ts';

test('calls show', async (t) => {
  const mongo = await testMongo(t);
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  const show = (...args: string[]) =>
    calltally(['calls', 'show', ...args], { env: { ...NOWHERE, MONGODB_URI: uri } });
  const call = {
    callId: 'c 1',
    userId: 'acme',
    startedAt: Date.UTC(2026, 2, 1, 9, 30),
    durationMs: 84_250,
    status: 'completed',
  };
  const versions = [
    { ...call, revision: 2 },
    { ...call, revision: 1 },
    { callId: 'c 1', userId: 'acme', revision: 3, deleted: true as const },
    { ...call, startedAt: Date.UTC(2026, 2, 2), agentId: 'a\u202e', revision: 9 },
  ];
  const record = (some: typeof versions, from: number) =>
    recordRows(
      store,
      some.map((one, i) => toRow(one, { stream: 0, partition: 3, offset: from + i })),
      false,
    );
  await record(versions, 10);

  await t.test('says what is counted, and which events led there', async (t) => {
    const { status, out, err } = await show('--user', 'acme', 'c 1');
    t.equal(status, 0, err);
    t.equal(
      out,
      [
        'call      c 1 of acme',
        'counted   2026-03-02T00:00:00Z, 84.25 s, completed (revision 9)',
        'REVISION  EVENT   STARTED               SECONDS  AGENT    DIRECTION  STATUS',
        '       2  0:3:10  2026-03-01T09:30:00Z    84.25                      completed',
        '       3  0:3:12  deleted',
        '       9  0:3:13  2026-03-02T00:00:00Z    84.25  a\\u202e             completed',
        '',
      ].join('\n'),
    );
    const { out: json } = await show('--user', 'acme', 'c 1', '--json');
    t.strictSame(JSON.parse(json), {
      call_id: 'c 1',
      user_id: 'acme',
      revision: 9,
      counted: {
        started_at: '2026-03-02T00:00:00Z',
        duration_seconds: 84.25,
        agent_id: 'a\u202e',
        status: 'completed',
      },
      events: [
        {
          revision: 2,
          source: { topic_epoch: 0, partition: 3, offset: 10 },
          counts: { started_at: '2026-03-01T09:30:00Z', duration_seconds: 84.25, status: 'completed' },
        },
        { revision: 3, source: { topic_epoch: 0, partition: 3, offset: 12 }, counts: null },
        {
          revision: 9,
          source: { topic_epoch: 0, partition: 3, offset: 13 },
          counts: {
            started_at: '2026-03-02T00:00:00Z',
            duration_seconds: 84.25,
            agent_id: 'a\u202e',
            status: 'completed',
          },
        },
      ],
    });
  });

  await t.test('a deleted call is shown as not counted', async (t) => {
    await record([{ callId: 'c 1', userId: 'acme', revision: 11, deleted: true }], 20);
    t.match((await show('--user', 'acme', 'c 1')).out, 'counted   not, it was deleted (revision 11)');
    t.match(JSON.parse((await show('--user', 'acme', 'c 1', '--json')).out), { revision: 11, counted: null });
  });

  await t.test('a call that is not there, or of somebody else, is unknown', async (t) => {
    for (const args of [
      ['--user', 'acme', 'c 2'],
      ['--user', 'other', 'c 1'],
    ]) {
      const { status, out, err } = await show(...args, '--json');
      t.strictSame([status, out, JSON.parse(err).error.code], [1, '', 'CALL_UNKNOWN']);
    }
    t.match((await show('--user', 'acme', ' c', '--json')).err, 'CALL_ID_INVALID');
    t.match((await show('--user', ' acme', 'c', '--json')).err, 'USER_ID_INVALID');
  });
});
