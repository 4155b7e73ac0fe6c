import { inspect } from 'node:util';
import { test } from 'tap';
import { type HookKey, HookSettings } from '../src/hook-settings.ts';
import { readSettings } from '../src/read-settings.ts';
import { faultsOf } from './faults-of.ts';

const base64 = (byte: number) => Buffer.alloc(32, byte).toString('base64');
const read = (env: Record<string, string>) => readSettings([HookSettings], env).hooks;

test('HOOK_KEYS are ids and keys, in their order', (t) => {
  t.strictSame(read({}), { keys: [], publicUrl: undefined });
  const text = `2026-03:${base64(1)}, old:${base64(2).replace('=', '')}`;
  const { keys } = read({ HOOK_KEYS: text });
  t.strictSame(
    keys.map(({ id, key }: HookKey) => [id, key.export().toString('base64')]),
    [
      ['2026-03', base64(1)],
      ['old', base64(2)],
    ],
  );
  t.notMatch(inspect(keys, { depth: 9, showHidden: true }), base64(1).slice(0, 20), 'nothing prints a key');
  t.notMatch(JSON.stringify(keys), base64(1).slice(0, 20));
  t.end();
});

test('keys that cannot be used are refused, and no fault has one', (t) => {
  for (const HOOK_KEYS of [
    base64(1),
    `:${base64(1)}`,
    `a b:${base64(1)}`,
    `a:${base64(1)},`,
    `a:${base64(1)},a:${base64(2)}`,
    `a:${Buffer.alloc(31, 1).toString('base64')}`,
    `a:${Buffer.alloc(33, 1).toString('base64')}`,
    `a:${Buffer.alloc(32, 255).toString('base64url')}`,
    `a:${'11'.repeat(32)}`,
  ]) {
    const faults = faultsOf([HookSettings], { HOOK_KEYS });
    t.match(faults, [{ variable: 'HOOK_KEYS', remedy: /32 bytes in base64/ }], HOOK_KEYS);
    t.notMatch(JSON.stringify(faults), base64(1).slice(0, 20));
  }
  t.end();
});

test('PUBLIC_URL is an origin and perhaps a prefix', (t) => {
  for (const [PUBLIC_URL, publicUrl] of [
    ['https://calls.example.com', 'https://calls.example.com'],
    ['https://calls.example.com/', 'https://calls.example.com'],
    ['http://127.0.0.1:3002/calltally/', 'http://127.0.0.1:3002/calltally'],
    ['HTTPS://Calls.Example.COM:443/A', 'https://calls.example.com/A'],
  ] as const) {
    t.equal(read({ PUBLIC_URL }).publicUrl, publicUrl);
  }
  for (const PUBLIC_URL of [
    'calls.example.com',
    '/hooks',
    'ftp://example.com',
    'https://example.com?',
    'https://example.com/?a=b',
    'https://example.com/#a',
    'https://ann:hunter2@example.com',
  ]) {
    const faults = faultsOf([HookSettings], { PUBLIC_URL });
    t.match(faults, [{ variable: 'PUBLIC_URL' }], PUBLIC_URL);
    t.notMatch(JSON.stringify(faults), 'hunter2');
  }
  t.end();
});
