import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import {
  ingestSettings,
  KafkaSettings,
  MongoSettings,
  RedisSettings,
  readSettings,
  SettingsError,
  variablesOf,
} from '../src/index.ts';
import { faultsOf } from './faults-of.ts';

test('secrets in files', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calltally-settings-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const password = (content: string) =>
    readSettings([RedisSettings], { REDIS_PASSWORD_FILE: file('password', content) }).redis;

  t.test('a file holds the value, without one line break at its end', async (t) => {
    t.match(password('secret'), { url: 'redis://:secret@127.0.0.1:6379' });
    t.match(password('secret\n'), { url: 'redis://:secret@127.0.0.1:6379' });
    t.match(password('secret\r\n'), { url: 'redis://:secret@127.0.0.1:6379' });
    t.match(password('secret \n\n'), { url: 'redis://:secret%20%0A@127.0.0.1:6379' });
    const uri = 'mongodb://ada:secret@h/calls';
    t.equal(readSettings([MongoSettings], { MONGODB_URI_FILE: file('uri', `${uri}\n`) }).mongo.uri, uri);
    const url = 'redis://:secret@h';
    t.match(readSettings([RedisSettings], { REDIS_URL_FILE: file('url', url), REDIS_URL: '' }).redis, {
      url,
    });
  });

  t.test('every secret may be in a file', async (t) => {
    const secrets = variablesOf(ingestSettings).filter((variable) =>
      /(PASSWORD|SECRET|URL|URI|KEY)$/.test(variable),
    );
    t.ok(secrets.length > 5);
    const known = variablesOf(ingestSettings);
    // Of an endpoint that is no secret.
    for (const secret of secrets.filter((variable) => !variable.endsWith('ENDPOINT_URL')))
      t.ok(known.includes(`${secret}_FILE`), secret);
  });

  t.test('a fault of a file is reported once, under its variable, without the content', async (t) => {
    mkdirSync(join(folder, 'folder'));
    const unreadable = file('unreadable', 'hunter2');
    chmodSync(unreadable, 0o000);
    const cases: [string, RegExp][] = [
      [join(folder, 'nowhere'), /cannot be read \(ENOENT\)$/],
      [join(folder, 'folder'), /cannot be read \(EISDIR\)$/],
      [file('empty', '\n'), /^names an empty file$/],
    ];
    // Root may read everything.
    if (process.getuid?.() !== 0) cases.push([unreadable, /cannot be read \(EACCES\)$/]);
    const login = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'ada' };
    for (const [path, problem] of cases) {
      const faults = faultsOf([KafkaSettings], { ...login, KAFKA_SASL_PASSWORD_FILE: path });
      t.match(faults, [{ variable: 'KAFKA_SASL_PASSWORD_FILE', problem }]);
      t.equal(faults.length, 1);
      t.notMatch(new SettingsError(faults).message, folder);
    }
    const faults = faultsOf([RedisSettings, MongoSettings], {
      REDIS_URL: 'redis://:hunter2@h',
      REDIS_URL_FILE: file('both', 'redis://:hunter2@h'),
      MONGODB_URI_FILE: file('wrong', 'postgres://ada:hunter2@h'),
    });
    t.match(faults, [
      { variable: 'REDIS_URL_FILE', problem: /beside REDIS_URL$/ },
      { variable: 'MONGODB_URI_FILE', remedy: /^set it to a file with a mongodb:\/\// },
    ]);
    t.notMatch(new SettingsError(faults).message, /hunter2/);
  });
});
