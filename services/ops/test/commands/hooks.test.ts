import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROVIDERS, resolveSecrets } from '@calltally/hooks';
import { opsSettings, readSettings } from '@calltally/settings';
import { testMongo, uniqueName } from '@calltally/stack/testing';
import { openStore } from '@calltally/store';
import { test } from 'tap';
import { calltally, databaseOn, folder, NOWHERE } from '../support.ts';

const payload = (name: string) =>
  fileURLToPath(new URL(`../../../../packages/hooks/test/payloads/${name}`, import.meta.url));
const key = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`;
const SECRET = 'key_hunter2';

test('hooks on a real Mongo', async (t) => {
  const mongo = await testMongo(t);
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const cwd = await folder(t);
  const env: Record<string, string> = {
    ...NOWHERE,
    MONGODB_URI: uri,
    HOOK_KEYS: `${key('k1', 1)}`,
    PUBLIC_URL: 'https://calls.example.com/in/',
  };
  const store = openStore({ uri, timeoutMs: 10_000, selectionTimeoutMs: 5_000 });
  t.teardown(() => store.close());
  /** Whatever was printed, for the search of secrets at the end. */
  let printed = '';
  const run = async (args: string[], more: Record<string, string> = {}, stdin: Buffer[] = []) => {
    const ran = await calltally(['hooks', ...args], { env: { ...env, ...more }, cwd, stdin });
    printed += ran.out + ran.err;
    return ran;
  };
  const json = async (args: string[], more: Record<string, string> = {}, stdin: Buffer[] = []) => {
    const { status, out, err } = await run([...args, '--json'], more, stdin);
    const errors = err.split('\n').filter(Boolean);
    return {
      status,
      out: out === '' ? undefined : JSON.parse(out),
      errors: errors.map((line) => JSON.parse(line).error),
    };
  };
  const secretsOf = async (hookId: string, HOOK_KEYS = env.HOOK_KEYS!) => {
    const { keys } = readSettings(opsSettings, { ...env, HOOK_KEYS }).hooks;
    return resolveSecrets((await store.hooks.find(hookId))!, keys, Date.now());
  };
  const retell = async () => {
    const args = ['create', '--provider', 'retell', '--user', 'u-42', '--secret-file', '-'];
    return (await json(args, {}, [Buffer.from(`${SECRET}\n`)])).out.hook_id as string;
  };

  await t.test('a secret that is ours is shown once, and its hash kept', async (t) => {
    const args = ['create', '--provider', 'vapi', '--user-from', 'message.call.metadata.user_id'];
    const { status, out } = await json([...args, '--name', 'assistants']);
    t.equal(status, 0);
    t.match(out, {
      hook_id: /^hook_[0-9a-f]{24}$/,
      address: `https://calls.example.com/in/hooks/vapi/${out.hook_id}`,
      provider: 'vapi',
      name: 'assistants',
      user_from: 'message.call.metadata.user_id',
      secret: /^[\w-]{43}$/,
      secrets: [{ kept: 'hashed' }],
    });
    const row = (await store.hooks.find(out.hook_id))!;
    const headers = { authorization: `Bearer ${out.secret}` };
    const request = { body: Buffer.from('{}'), headers, url: out.address, receivedAtMs: Date.now() };
    const secrets = await secretsOf(out.hook_id);
    t.equal(PROVIDERS.vapi!.verify(request, secrets, row.definition as never), undefined);
    t.notMatch(JSON.stringify(await store.hooks.list()), out.secret);
    const text = await run(args, { PUBLIC_URL: '' });
    t.match(
      text.out,
      /^address {2}\/hooks\/vapi\/hook_\w+\n.*PUBLIC_URL is not set\nsecret +\S{43} +\(shown this once\)\n/,
    );
    const { out: list } = await run(['list']);
    t.match(list, `${out.hook_id}  at message.call.metadata.user_id`);
    t.notMatch(list, out.secret);
  });

  await t.test(
    'a secret of the platform comes from a file or standard input, and is kept encrypted',
    async (t) => {
      await writeFile(join(cwd, 'secret.txt'), `${SECRET}\r\n`);
      const args = ['create', '--provider', 'retell', '--user', 'u-42'];
      const { out } = await json([...args, '--secret-file', 'secret.txt']);
      t.notOk(out.secret);
      t.match(out.secrets, [{ kept: 'encrypted', key_id: 'k1' }]);
      for (const hookId of [out.hook_id, await retell()]) {
        t.strictSame(await secretsOf(hookId), [{ kind: 'text', text: SECRET }]);
      }
      t.notMatch(JSON.stringify(await store.hooks.list()), SECRET);
      t.match(await json(args), { status: 1, errors: [{ code: 'SECRET_MISSING' }] });
      t.match(await json([...args, '--secret-file', 'none']), {
        status: 1,
        errors: [{ code: 'FILE_UNREADABLE' }],
      });
      t.match(await json([...args, '--secret-file', '-']), {
        status: 1,
        errors: [{ code: 'SECRET_INVALID' }],
      });
      const noKeys = await json([...args, '--secret-file', 'secret.txt'], { HOOK_KEYS: '' });
      t.match(noKeys, { status: 1, errors: [{ code: 'HOOK_KEYS_MISSING' }] });
    },
  );

  await t.test('a hook that cannot work is not made', async (t) => {
    const before = (await store.hooks.list()).length;
    for (const [args, code] of [
      [['--provider', 'nobody', '--user', 'u'], 'HOOK_INVALID'],
      [['--provider', 'vapi', '--user', ' u'], 'HOOK_INVALID'],
      [['--provider', 'vapi', '--user-from', 'a..b'], 'HOOK_INVALID'],
      [
        ['--provider', 'livekit', '--user', 'u', '--events', 'room_finished, participant_left'],
        'HOOK_INVALID',
      ],
      [['--provider', 'generic', '--user', 'u'], 'HOOK_INVALID'],
      [['--provider', 'generic', '--user', 'u', '--map', 'nonsense'], 'HOOK_INVALID'],
      [['--provider', 'generic', '--user', 'u', '--map', 'call_id=id', '--when', 'event'], 'HOOK_INVALID'],
      [['--provider', 'vapi', '--user', 'u', '--name', 'a\nb'], 'NAME_INVALID'],
    ] as const) {
      t.match(
        await json(['create', ...args]),
        { status: 1, out: undefined, errors: [{ code }] },
        args.join(' '),
      );
    }
    for (const args of [
      [],
      ['--provider', 'vapi'],
      ['--provider', 'vapi', '--user', 'u', '--user-from', 'a'],
    ]) {
      t.match(await json(['create', ...args]), { status: 2, errors: [{ code: 'USAGE' }] });
    }
    t.equal((await store.hooks.list()).length, before);
  });

  await t.test('test says what a payload would become, and checks a signature', async (t) => {
    const hookId = await retell();
    const file = payload('retell-call-ended.json');
    const { status, out } = await json(['test', hookId, file]);
    t.equal(status, 0);
    t.match(out, {
      signature: null,
      outcomes: [
        { event: { user_id: 'u-42', duration_seconds: 84.25 }, dropped: [], starts_at_receipt: false },
      ],
    });
    const at = Date.parse('2026-03-01T09:32:00Z');
    const hex = createHmac('sha256', SECRET)
      .update(await readFile(file))
      .update(String(at))
      .digest('hex');
    const header = ['--header', `X-Retell-Signature: v=${at},d=${hex}`];
    const signed = ['test', hookId, file, ...header, '--at', '2026-03-01T09:32:00Z'];
    t.match(await json(signed), { status: 0, out: { signature: 'valid' } });
    t.match(await json(signed.slice(0, -2)), { status: 1, out: { signature: 'SIGNATURE_STALE' } });
    t.match(await run(signed), { out: /signature {2}valid\noutcome {4}a call\n {2}call_id +call_4f1d/ });
    const forged = ['test', hookId, file, '--header', `x-retell-signature: v=${at},d=${'0'.repeat(64)}`];
    t.match(await json(forged), { status: 1, out: { signature: 'SIGNATURE_INVALID' } });
    const gone = await json(signed, { HOOK_KEYS: key('k9', 9) });
    t.match(gone, { status: 1, errors: [{ code: 'HOOK_KEY_UNKNOWN', message: /k1/ }] });
    t.match(await run(['test', hookId, payload('vapi-end-of-call-report.json')]), {
      out: /outcome {4}no call: /,
    });
  });

  await t.test('test says why a payload would be a dead letter', async (t) => {
    const args = [
      '--map',
      'call_id=uuid',
      '--map',
      'started_at=start:s',
      '--map',
      'duration_seconds=billsec',
    ];
    const { out } = await json(['create', '--provider', 'generic', '--user-from', 'account', ...args]);
    await writeFile(
      join(cwd, 'cdr.json'),
      JSON.stringify({ uuid: 'c-1', start: '1772357400', billsec: '84' }),
    );
    const { status, out: tested } = await json(['test', out.hook_id, 'cdr.json']);
    t.equal(status, 1);
    t.match(tested.outcomes, [{ rejection: { code: String, message: /account/ } }]);
    t.match(await run(['test', out.hook_id, 'cdr.json']), { status: 1, out: /outcome {4}a dead letter: / });
  });

  await t.test('after a rotation both secrets are accepted, for as long as was said', async (t) => {
    const hookId = await retell();
    const { out } = await json(['rotate', hookId, '--secret-file', '-', '--keep', '2h'], {}, [
      Buffer.from('new'),
    ]);
    t.match(out.secrets, [{ key_id: 'k1' }, { expires_at: /^2/ }]);
    const texts = async () => (await secretsOf(hookId)).map((one) => one.kind === 'text' && one.text);
    t.strictSame(await texts(), ['new', SECRET]);
    const inMs = Date.parse(out.secrets[1].expires_at) - Date.now();
    t.ok(inMs > 7_000_000 && inMs <= 7_200_000, `${inMs} ms`);
    await json(['rotate', hookId, '--secret-file', '-', '--keep', '0m'], {}, [Buffer.from('newest')]);
    t.strictSame(await texts(), ['newest']);
    const ours = await json(['create', '--provider', 'vapi', '--user', 'u']);
    const rotated = await json(['rotate', ours.out.hook_id]);
    t.match(rotated.out, { secret: /^[\w-]{43}$/, secrets: [{}, { expires_at: /^2/ }] });
    t.not(rotated.out.secret, ours.out.secret);
    t.match(await json(['rotate', hookId, '--keep', '91d']), { status: 2 });
  });

  await t.test('an old key can go once every secret is under the new one', async (t) => {
    const hookId = await retell();
    const both = { HOOK_KEYS: `${key('k2', 2)},${key('k1', 1)}` };
    t.strictSame((await json(['list'], both)).out.old_keys, ['k1']);
    t.match(await run(['list'], both), { err: /still needed of HOOK_KEYS: k1; hooks rekey/ });
    const alone = await json(['rekey'], { HOOK_KEYS: key('k2', 2) });
    t.match(alone, { status: 1, out: { changed: 0 }, errors: [{ code: 'HOOK_KEY_UNKNOWN' }] });
    const { status, out } = await json(['rekey'], both);
    t.match({ status, out }, { status: 0, out: { key_id: 'k2', problems: 0 } });
    t.ok(out.changed >= 1);
    t.match((await json(['rekey'], both)).out, { changed: 0, problems: 0 });
    t.strictSame((await json(['list'], both)).out.old_keys, []);
    t.strictSame(await secretsOf(hookId, key('k2', 2)), [{ kind: 'text', text: SECRET }]);
  });

  await t.test('a deleted hook is gone for every command', async (t) => {
    const hookId = await retell();
    const first = await json(['delete', hookId]);
    t.match(first, { status: 0, out: { hook_id: hookId, provider: 'retell', deleted_at: /^2/ } });
    t.strictSame(await json(['delete', hookId]), first);
    t.notMatch((await run(['list'])).out, hookId);
    for (const args of [
      ['rotate', hookId],
      ['test', hookId, payload('retell-call-ended.json')],
      ['delete', SECRET],
    ]) {
      t.match(await json(args), { status: 1, errors: [{ code: 'HOOK_UNKNOWN' }] });
    }
  });

  await t.test('nothing of this has printed a secret of a platform, or a key', async (t) => {
    t.ok(printed.length > 5_000);
    t.notMatch(printed, SECRET);
    for (const byte of [1, 2, 9]) t.notMatch(printed, Buffer.alloc(32, byte).toString('base64').slice(0, 30));
  });
});
