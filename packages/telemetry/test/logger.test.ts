import { execFileSync } from 'node:child_process';
import { test } from 'tap';
import { createLogger, type Logger } from '../src/index.ts';

function linesOf(level: string, write: (log: Logger) => void): string[] {
  const lines: string[] = [];
  write(createLogger({ service: 'api', level, destination: { write: (line) => void lines.push(line) } }));
  return lines;
}

const only = (write: (log: Logger) => void) => linesOf('info', write).join('');

test('a line is one JSON object with level, ISO time, service and message', (t) => {
  const line = JSON.parse(only((log) => log.info({ user_id: 'u1' }, 'counted')));
  t.match(line, { level: 'info', service: 'api', pid: process.pid, user_id: 'u1', msg: 'counted' });
  t.equal(new Date(line.time).toISOString(), line.time);
  t.end();
});

test('invisible characters of an id are escaped, and everything else stays readable', (t) => {
  const hostile = 'ann\u202enimda\u2066\u200b\u2028\u2029\u0085\u009b\u007f\ufeff\u{e0041}\ud83d';
  for (const user_id of [hostile, '客户 Zoë 💬 +1555', 'مستخدم']) {
    const line = only((log) => log.info({ user_id }, 'counted'));
    t.equal(JSON.parse(line).user_id, user_id);
    t.equal(line.includes(user_id), user_id !== hostile);
    t.notMatch(line.slice(0, -1), /[\p{C}\p{Zl}\p{Zp}]/u);
  }
  t.end();
});

test('lines below the level are not written', (t) => {
  t.same(
    linesOf('warn', (log) => {
      log.info('no');
      log.warn('yes');
    }).map((line) => JSON.parse(line).msg),
    ['yes'],
  );
  t.same(
    linesOf('silent', (log) => log.fatal('no')),
    [],
  );
  t.end();
});

test('lines go to standard output', (t) => {
  const script = `import { createLogger } from '@calltally/telemetry';
    createLogger({ service: 'ingest', level: 'info' }).info({ password: 'hunter2' }, 'up');`;
  const output = execFileSync(
    process.execPath,
    ['--import=tsx', '--conditions=calltally', '--input-type=module', '--eval', script],
    { cwd: new URL('..', import.meta.url), encoding: 'utf8' },
  );
  t.match(JSON.parse(output), { service: 'ingest', msg: 'up', password: '***' });
  t.end();
});

test('no secret is written, at any depth, by a child, or in a message', (t) => {
  const line = only((log) =>
    log.child({ req: { headers: { authorization: 'Bearer hunter2', Cookie: 'hunter2' } } }).info(
      {
        api_key: 'hunter2',
        apiKey: 'hunter"2',
        a: { b: { c: { password: 'hunter2\\', KAFKA_SASL_PASSWORD: 'hunter2' } } },
        redis: 'redis://:hunter2@10.0.0.1:6379/0',
        list: ['rediss://user:hunter2@h', 'mongodb://user:hunt/er@2@a:1,b:2/db?tlsPassword=hunter2'],
        command: ['AUTH', 'Bearer hunter2'],
      },
      'cannot reach mongodb+srv://user:hunter2@cluster.example.com/calls with Bearer hunter2',
    ),
  );
  t.notMatch(line, /hunt|er@/);
  const parsed = JSON.parse(line);
  t.equal(parsed.redis, 'redis://***@10.0.0.1:6379/0');
  t.equal(parsed.list[1], 'mongodb://***@a:1,b:2/db?tlsPassword=***');
  t.equal(parsed.apiKey, '***');
  t.equal(parsed.msg, 'cannot reach mongodb+srv://***@cluster.example.com/calls with Bearer ***');
  t.end();
});

test('an error is logged with code, stack and causes, but nothing that a client attached', (t) => {
  const cause = Object.assign(new Error('connect redis://tally:hunter2@h:1 refused'), {
    code: 'ECONNREFUSED',
    command: { name: 'AUTH', args: ['hunter2'] },
  });
  const error = Object.assign(new Error('the counters cannot be reached', { cause }), {
    code: 'COUNTERS_DOWN',
  });
  const line = only((log) => log.error({ err: error }, 'failed'));
  t.notMatch(line, /hunter2/);
  t.match(JSON.parse(line).err, {
    type: 'Error',
    code: 'COUNTERS_DOWN',
    message: 'the counters cannot be reached',
    stack: /logger\.test\.ts/,
    cause: { code: 'ECONNREFUSED', message: 'connect redis://***@h:1 refused' },
  });
  t.notOk('command' in JSON.parse(line).err.cause);
  t.end();
});

test('an error given alone is logged the same way', (t) => {
  const line = only((log) => log.error(new Error('redis://:hunter2@h is gone')));
  t.notMatch(line, /hunter2/);
  t.match(JSON.parse(line), { msg: 'redis://***@h is gone', err: { type: 'Error' } });
  t.end();
});
