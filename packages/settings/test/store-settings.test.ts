import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { type Environment, MongoSettings, RedisSettings, readSettings } from '../src/index.ts';
import { faultsOf } from './faults-of.ts';

const redis = (env: Environment) => readSettings([RedisSettings], env).redis;

test('one node is given by its URL, unchanged', (t) => {
  for (const url of ['redis://h', 'rediss://user:p%40ss@h:6380/2', 'redis://:secret@10.0.0.1:6379/'])
    t.same(redis({ REDIS_URL: url }), { url });
  t.end();
});

test('a cluster takes user, password and TLS from REDIS_URL', (t) => {
  const nodes = [
    { host: 'a', port: 7000 },
    { host: 'b', port: 7001 },
  ];
  t.same(redis({ REDIS_CLUSTER_NODES: 'a:7000, b:7001' }), { clusterNodes: nodes, tls: false });
  t.same(redis({ REDIS_CLUSTER_NODES: 'a:7000,b:7001', REDIS_URL: 'rediss://tally:p%40ss@a:7000' }), {
    clusterNodes: nodes,
    tls: true,
    username: 'tally',
    password: 'p@ss',
  });
  t.end();
});

test('REDIS_PASSWORD is the password of one node and of a cluster, whatever characters it has', (t) => {
  const password = 'p@ss:w/rd%20';
  t.same(redis({ REDIS_URL: 'redis://tally@h:1/2', REDIS_PASSWORD: password }), {
    url: `redis://tally:${encodeURIComponent(password)}@h:1/2`,
  });
  t.match(redis({ REDIS_CLUSTER_NODES: '[::1]:7000', REDIS_PASSWORD: password }), {
    clusterNodes: [{ host: '::1', port: 7000 }],
    password,
  });
  const faults = faultsOf([RedisSettings], { REDIS_URL: 'redis://:a@h', REDIS_PASSWORD: 'b' });
  t.same(
    faults.map(({ variable }) => variable),
    ['REDIS_PASSWORD'],
  );
  t.end();
});

test('a file that a Mongo URI names must be readable', (t) => {
  const uri = (option: string, path: string) =>
    `mongodb://h/db?tls=true&${option}=${encodeURIComponent(path)}`;
  const here = fileURLToPath(import.meta.url);
  for (const option of ['tlsCAFile', 'tlscertificatekeyfile', 'tlsCRLFile']) {
    t.equal(readSettings([MongoSettings], { MONGODB_URI: uri(option, here) }).mongo.uri, uri(option, here));
    const [fault] = faultsOf([MongoSettings], { MONGODB_URI: uri(option, '/not/there') });
    t.match(
      fault,
      { variable: 'MONGODB_URI', problem: /^names a file in tls\w+File .* \(ENOENT\)$/ },
      option,
    );
  }
  t.end();
});

test('an invalid Redis address is refused', (t) => {
  for (const url of [
    '127.0.0.1:6379',
    'http://h',
    'redis://',
    'redis://h/name',
    'redis://u:%zz@h',
    'redis:h',
  ])
    t.same(
      faultsOf([RedisSettings], { REDIS_URL: url }).map(({ variable }) => variable),
      ['REDIS_URL'],
      url,
    );
  for (const nodes of ['a', 'redis://a:1', 'a:1,b'])
    t.same(
      faultsOf([RedisSettings], { REDIS_CLUSTER_NODES: nodes }).map(({ variable }) => variable),
      ['REDIS_CLUSTER_NODES'],
      nodes,
    );
  t.end();
});
