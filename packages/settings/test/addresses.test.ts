import fc from 'fast-check';
import { test } from 'tap';
import { databaseOf, isMongoUri, isRedisUrl, parseHostPorts } from '../src/addresses.ts';

const address = fc.record({ host: fc.domain(), port: fc.integer({ min: 1, max: 65_535 }) });
const userinfo = fc
  .tuple(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }))
  .map(([user, password]) => `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);

test('every list of addresses is parsed back', (t) => {
  fc.assert(
    fc.property(fc.array(address, { minLength: 1, maxLength: 9 }), (addresses) => {
      t.same(parseHostPorts(addresses.map(({ host, port }) => `${host}:${port}`).join(',')), addresses);
    }),
    { numRuns: 50 },
  );
  t.end();
});

test('percent-encoded credentials of any characters are accepted', (t) => {
  fc.assert(
    fc.property(userinfo, address, (credentials, { host, port }) => {
      t.ok(isRedisUrl(`redis://${credentials}${host}:${port}`));
      t.ok(isMongoUri(`mongodb://${credentials}${host}:${port},${host}:${port}/db?w=majority`));
      t.equal(databaseOf(`mongodb://${credentials}${host}:${port}/db`), 'db');
    }),
    { numRuns: 50 },
  );
  t.end();
});

test('a Mongo URI without host, with a wrong scheme or an unescaped password is refused', (t) => {
  for (const uri of [
    'mongodb://',
    'mongodb:///db',
    'http://h',
    '127.0.0.1:27017',
    'mongodb://a,,b/db',
    'mongodb://u:p@ss@h/db',
    'mongodb://u:p/ss@h/db',
    'mongodb://h/a/b',
    'mongodb://h /db',
  ])
    t.notOk(isMongoUri(uri), uri);
  t.end();
});
