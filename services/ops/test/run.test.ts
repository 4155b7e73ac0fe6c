import { startMongo } from '@calltally/stack';
import { testRedis } from '@calltally/stack/testing';
import { test } from 'tap';
import { calltally, folder, NOWHERE } from './support.ts';

test('--version and --help are answered, and a bare command is not what was asked', async (t) => {
  const version = await calltally(['--version']);
  t.equal(version.status, 0);
  t.match(version.out, /^\d+\.\d+\.\d+\n$/);
  const help = await calltally(['--help']);
  t.equal(help.status, 0);
  for (const word of ['keys', 'publish', 'lag', '.calltally/stack.json', '--json', 'Examples']) {
    t.match(help.out, word);
  }
  const bare = await calltally([]);
  t.equal(bare.status, 2);
  t.match(bare.err, 'Usage: calltally');
});

test('every command shows examples and --json in its help', async (t) => {
  const keys = ['create', 'list', 'revoke'].map((name) => ['keys', name]);
  const dlq = ['list', 'show', 'retry', 'discard'].map((name) => ['dlq', name]);
  const hooks = ['create', 'list', 'test', 'rotate', 'rekey', 'delete'].map((name) => ['hooks', name]);
  for (const command of [...keys, ...dlq, ...hooks, ['publish'], ['lag']]) {
    const { status, out } = await calltally([...command, '--help']);
    t.equal(status, 0);
    t.match(out, /Examples?:/);
    t.match(out, '--json');
    t.match(out, `$ calltally ${command.join(' ')}`);
  }
});

test('a command line that cannot be read is one line, as text or as JSON', async (t) => {
  for (const args of [
    ['nonsense'],
    ['keys', 'create'],
    ['lag', '--sideways'],
    ['publish'],
    ['keys', 'revoke'],
  ]) {
    const text = await calltally(args);
    t.equal(text.status, 2, args.join(' '));
    t.equal(text.out, '');
    t.match(text.err, /^calltally: [^\n]+\(USAGE\)\n$/);
    const json = await calltally([...args, '--json']);
    t.equal(json.status, 2);
    t.equal(JSON.parse(json.err).error.code, 'USAGE');
  }
});

test('--check-config stops after the settings, and tells every fault without its value', async (t) => {
  const good = await calltally(['--check-config']);
  t.equal(good.status, 0);
  t.equal(good.err, '');
  const bad = await calltally(['lag', '--check-config'], {
    env: { REDIS_URL: 'hunter2', KAFKA_BROKERS: 'hunter2' },
  });
  t.equal(bad.status, 1);
  t.match(bad.err, /^calltally: [^\n]*KAFKA_BROKERS[^\n]*REDIS_URL[^\n]*\(SETTINGS_INVALID\)\n$/);
  t.notMatch(bad.err, 'hunter2');
});

test('an engine that is not there is one line that names it and the remedy, and no secret', async (t) => {
  const env = { ...NOWHERE, MONGODB_URI: 'mongodb://admin:hunter2@127.0.0.1:1/calltally' };
  const list = await calltally(['keys', 'list'], { env });
  t.equal(list.status, 1);
  t.match(
    list.err,
    /^calltally: no Mongo can be reached[^\n]*MONGODB_URI[^\n]*`npm start`[^\n]*\(STORE_UNAVAILABLE\)\n$/,
  );
  t.notMatch(list.err, 'hunter2');
  const lag = await calltally(['lag', '--json'], { env });
  t.equal(lag.status, 1);
  t.equal(lag.out, '');
  t.match(JSON.parse(lag.err).error, { code: 'KAFKA_UNAVAILABLE', message: /KAFKA_BROKERS/ });
});

test('one that is there and refuses is said to refuse', async (t) => {
  // No user was made, so that nobody is let in.
  const mongo = await startMongo({ dataDir: await folder(t), auth: true });
  t.teardown(() => mongo.stop('SIGKILL'));
  const redis = await testRedis(t, ['--requirepass', 'right']);
  const list = (user: string) => {
    const env = { ...NOWHERE, MONGODB_URI: `${mongo.address.replace('//', `//${user}`)}/calltally` };
    return calltally(['keys', 'list'], { env });
  };
  for (const user of ['ada:hunter2@', 'nobody:hunter2@']) {
    const { status, err } = await list(user);
    t.equal(status, 1);
    t.match(
      err,
      /^calltally: Mongo refused the user or the password [^\n]*MONGODB_URI[^\n]*\(STORE_CREDENTIALS\)\n$/,
    );
    t.notMatch(err, /hunter2|is Mongo there|npm start/);
  }
  t.match(
    (await list('')).err,
    /^calltally: Mongo does not let this user do that [^\n]*\(STORE_FORBIDDEN\)\n$/,
  );
  t.match((await list('ada:right%@')).err, /^calltally: MONGODB_URI [^\n]*\(S\w+\)\n$/);
  const option = await calltally(['keys', 'list'], {
    env: { ...NOWHERE, MONGODB_URI: 'mongodb://127.0.0.1:1/?fast=yes' },
  });
  t.match(option, {
    status: 1,
    err: /^calltally: MONGODB_URI cannot be used [^\n]*fast[^\n]*\(STORE_URI\)\n$/,
  });

  const { port } = new URL(redis.address);
  for (const login of ['', ':hunter2@']) {
    const REDIS_URL = `redis://${login}127.0.0.1:${port}`;
    const { status, err } = await calltally(['verify', '--all'], { env: { ...NOWHERE, REDIS_URL } });
    t.equal(status, 1);
    t.match(
      err,
      /^calltally: Redis refused the user or the password[^\n]*REDIS_URL[^\n]*\(REDIS_REFUSED\)\n$/,
    );
    t.notMatch(err, 'hunter2');
  }
});
