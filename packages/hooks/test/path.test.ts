import fc from 'fast-check';
import { test } from 'tap';
import { parsePath, valueAt } from '../src/path.ts';

const at = (payload: unknown, path: string) => valueAt(payload, parsePath(path)!);

test('a path is names with dots between them, or a JSON Pointer', async (t) => {
  t.same(parsePath('call.metadata.user_id'), ['call', 'metadata', 'user_id']);
  t.same(parsePath('user'), ['user']);
  t.same(parsePath('/a.b/c~1d/~01/'), ['a.b', 'c/d', '~1', '']);
  for (const bad of ['', '.', 'a.', '.a', 'a..b', '/a~2', '/~']) t.equal(parsePath(bad), undefined, bad);
});

test('a path leads through objects, arrays and texts of JSON', async (t) => {
  const json = JSON.stringify({ user_id: 'u-42' });
  t.equal(at({ a: [{ b: 1 }] }, 'a.0.b'), 1);
  t.equal(at({ a: { 'b.c': 1 } }, '/a/b.c'), 1);
  t.equal(at({ metadata: json }, 'metadata.user_id'), 'u-42');
  t.equal(at({ metadata: json }, 'metadata'), json, 'a path that ends at the text gives the text');
  t.equal(at({ state: Buffer.from(json).toString('base64') }, 'state.user_id'), 'u-42');
  t.equal(at({ state: Buffer.from(json).toString('base64url') }, 'state.user_id'), 'u-42');
  t.equal(at({ metadata: '{"id":12345678901234567890}' }, 'metadata.id'), '12345678901234567890');
  t.equal(at(json, 'user_id'), 'u-42', 'the payload may be a text itself');
});

test('a path that leads nowhere gives undefined', async (t) => {
  const nowhere: [payload: unknown, path: string][] = [
    [{}, '__proto__'],
    [{}, 'constructor.name'],
    [[], 'length'],
    [['a'], '00'],
    ['text', 'length'],
    [{ a: 'null' }, 'a.b'],
    [{ a: 'bm90IGpzb24=' }, 'a.b'],
    [{ a: '/w==' }, 'a.b'],
    [{ a: null }, 'a.b'],
    [undefined, 'a'],
  ];
  for (const [payload, path] of nowhere) t.equal(at(payload, path), undefined, path);
});

test('every value of any JSON is found at its JSON Pointer, and no path throws', async () => {
  const escaped = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1');
  const visit = (root: unknown, value: unknown, pointer: string): boolean =>
    (pointer === '' || Object.is(at(root, pointer), value)) &&
    (typeof value !== 'object' ||
      value === null ||
      Object.entries(value).every(([name, one]) => visit(root, one, `${pointer}/${escaped(name)}`)));
  fc.assert(fc.property(fc.jsonValue(), (root) => visit(root, root, '')));
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (root, text) => {
      const path = parsePath(text);
      if (path !== undefined) valueAt(root, path);
    }),
  );
});
