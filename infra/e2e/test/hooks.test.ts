import { createHmac, hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { runCalltally } from '../src/command.ts';
import { ask } from '../src/dashboard.ts';
import { HOOKS, Platform } from '../src/platform.ts';

const SECRET = 'the secret of the platform';
const payloads = new URL('../../../packages/hooks/test/payloads/', import.meta.url);
const payloadFile = (name: string) => fileURLToPath(new URL(name, payloads));
const stored = (name: string) => readFileSync(payloadFile(name), 'utf8').trim();
/** The range of the stored payloads. */
const RANGE = 'start_date=2026-03-01&end_date=2026-03-01';

test('webhooks of platforms are counted, from the command that makes a hook to the dashboard', async (t) => {
  const platform = await Platform.start(t, { intakes: 1 });
  const [intake] = platform.intakes;
  const folder = mkdtempSync(join(tmpdir(), 'calltally-hooks-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, SECRET);

  const calltally = async (...args: string[]) => {
    const env = {
      ...HOOKS,
      PUBLIC_URL: intake!.url,
      KAFKA_BROKERS: platform.kafka.address,
      KAFKA_TOPIC: platform.topic,
      KAFKA_DLQ_TOPIC: platform.dlqTopic,
      KAFKA_GROUP_ID: platform.groupId,
      REDIS_URL: platform.redis.address,
      MONGODB_URI: platform.mongoUri,
    };
    const { status, out, err } = await runCalltally(env, ...args, '--json');
    t.equal(status, 0, `${args.slice(0, 2).join(' ')}: ${err}`);
    return JSON.parse(out);
  };
  const post = async (address: string, body: string, headers: Record<string, string>) => {
    const answer = await fetch(address, { method: 'POST', body, headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  const counted = async (user: string) => {
    await platform.untilRead();
    const { data } = (await ask(platform.api.url, await platform.key(user), RANGE)).body;
    return { calls: data?.total_calls, minutes: data?.total_duration_minutes };
  };

  await t.test(
    'Twilio: callback and summaries of one call, in any order and again, are one call',
    async (t) => {
      const [partial, complete] = ['partial', 'complete'].map((state) =>
        stored(`twilio-insights-call-summary${state === 'partial' ? '-partial' : ''}.json`),
      );
      const callback = stored('twilio-status-callback.txt');
      const orders = [
        [callback, partial!, complete!],
        [complete!, callback, partial!, complete!],
        [partial!, complete!, callback, callback],
      ];
      for (const [i, bodies] of orders.entries()) {
        const user = `twilio-${i}`;
        const events = ['--events', 'callback,summary-partial,summary-complete'];
        const made = ['hooks', 'create', '--provider', 'twilio', '--user', user, '--secret-file', secretFile];
        const { address } = await calltally(...made, ...events);
        for (const body of bodies) {
          const isForm = !body.startsWith('{');
          const url = isForm ? address : `${address}?bodySHA256=${hash('sha256', body)}`;
          const signed = isForm ? url + parametersOf(body) : url;
          const headers = {
            'content-type': isForm ? 'application/x-www-form-urlencoded' : 'application/json',
            'x-twilio-signature': createHmac('sha1', SECRET).update(signed).digest('base64'),
          };
          t.equal(await post(url, body, headers), 200);
        }
        t.same(await counted(user), { calls: 1, minutes: 1.4 }, 'the complete summary counts: 84 s');
      }
    },
  );

  await t.test(
    'Retell: the user comes from the payload, and what cannot be read is read again later',
    async (t) => {
      const create = ['hooks', 'create', '--provider', 'retell', '--secret-file', secretFile];
      const { address, hook_id } = await calltally(...create, '--user-from', 'call.metadata.user_id');
      const send = (body: string, to: string = address) => {
        const now = Date.now();
        const digest = createHmac('sha256', SECRET).update(`${body}${now}`).digest('hex');
        return post(to, body, {
          'content-type': 'application/json',
          'x-retell-signature': `v=${now},d=${digest}`,
        });
      };
      const ended = stored('retell-call-ended.json');
      for (const body of [ended, stored('retell-call-analyzed.json'), ended])
        t.ok([200, 204].includes(await send(body)));
      t.same(await counted('u-42'), { calls: 1, minutes: 1.4 });

      const tested = await calltally('hooks', 'test', hook_id, payloadFile('retell-call-ended.json'));
      t.match(JSON.stringify(tested), '"call_id":"call_4f1d0c7be2a94d6f8e31c5a7b09d2e66"');

      const byOther = await calltally(...create, '--user-from', 'call.metadata.tenant');
      t.equal(await send(ended, byOther.address), 200, 'it is kept, so the platform need not send it again');
      const { letters } = await calltally('dlq', 'list');
      t.match(letters, [{ code: 'FIELD_MISSING', source: { hook: byOther.hook_id } }]);

      await calltally('hooks', 'delete', hook_id);
      let status = 0;
      for (let i = 0; i < 40 && status !== 404; i++) {
        status = await send(ended);
        await sleep(100);
      }
      t.equal(status, 404, 'a deleted hook takes nothing any more');
    },
  );

  await t.test('generic: a record of a PBX, with local times, is counted in UTC', async (t) => {
    const { address, secret } = await calltally(
      ...[
        'hooks',
        'create',
        '--provider',
        'generic',
        '--user-from',
        'tenant',
        '--time-zone',
        'Europe/Berlin',
      ],
      ...['--map', 'call_id=uuid', '--map', 'started_at=start', '--map', 'duration_seconds=billmsec:ms'],
    );
    const record = { tenant: 'pbx', uuid: 'a-1', start: '2026-03-02 00:30:00', billmsec: '84000' };
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    t.equal(await post(address, JSON.stringify(record), headers), 200);
    t.same(
      await counted('pbx'),
      { calls: 1, minutes: 1.4 },
      'half past midnight in Berlin is the day before in UTC',
    );
    t.equal(await post(address, JSON.stringify(record), { ...headers, authorization: 'Bearer wrong' }), 401);
  });

  t.notMatch(platform.intakes[0]!.log, new RegExp(SECRET));
});

/** As Twilio signs forms: names and values, sorted by name. */
function parametersOf(form: string): string {
  return [...new URLSearchParams(form)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => name + value)
    .join('');
}
