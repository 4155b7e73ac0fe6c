import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { appendFile, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { test } from 'tap';
import { kafkaTopics } from '../kafka-topics.ts';
import { calltally, folder, NOWHERE } from '../support.ts';

const BIN = fileURLToPath(new URL('../../bin/calltally.js', import.meta.url));
const DOCUMENT = new URL('../../../../docs/import.md', import.meta.url);

const HEADER = 'uuid,accountcode,start_epoch,billsec,hangup_cause\n';
const row = (n: number) => `c-${n},u-${n % 7},${1_772_357_400 + n},${n % 600},NORMAL_CLEARING\n`;
const MAP = [
  ...['call_id=uuid', 'user_id=accountcode', 'started_at=start_epoch:s', 'duration_seconds=billsec'],
].flatMap((map) => ['--map', map]);

const dryRun = async (cwd: string, ...args: string[]) => {
  const { status, out, err } = await calltally(['import', ...args, '--dry-run', '--json'], { cwd });
  return {
    status,
    error: err === '' ? undefined : JSON.parse(err).error,
    ...(out !== '' && JSON.parse(out)),
  };
};

test('the examples of docs/import.md give what it says', async (t) => {
  const cwd = await folder(t);
  const document = readFileSync(DOCUMENT, 'utf8');
  const examples = [
    ...document.matchAll(
      /`([\w.]+)`:\n\n```\w*\n(.*?)```\n\n```sh\nnpx calltally (.*?)```\n\n```json\n(.*?)```/gs,
    ),
  ];
  t.ok(examples.length >= 3, `${examples.length} examples`);
  for (const [, file = '', content = '', command = '', printed = ''] of examples) {
    writeFileSync(join(cwd, file), content);
    const words = command.replaceAll(/\\\n/g, ' ').match(/(?:'[^']*'|[^\s'])+/g) ?? [];
    const result = await dryRun(cwd, ...words.slice(1).map((word) => word.replaceAll("'", '')));
    const events = printed
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    t.strictSame(
      result.first.map(({ event }: { event: object }) => event),
      events,
      file,
    );
    t.equal(result.status, 0, file);
  }
});

test('a dry run shows events and faults, and needs no Kafka', async (t) => {
  const cwd = await folder(t);
  const text = `${HEADER}${row(1)}c-2,,1772357400,1,X\n${row(3)}c-4,u,1772357400,NaN,X\nc-5,u\n`;
  await writeFile(join(cwd, 'calls.csv.gz'), gzipSync(`\ufeff${text.replaceAll('\n', '\r\n')}`));
  const result = await dryRun(cwd, 'calls.csv.gz', ...MAP);
  t.match(result, {
    status: 1,
    records: 5,
    events: 2,
    invalid: 3,
    codes: { FIELD_MISSING: 1, DURATION_INVALID: 1, RECORD_UNREADABLE: 1 },
    first: [
      { line: 2, event: { call_id: 'c-1', user_id: 'u-1', started_at: '2026-03-01T09:30:01Z' } },
      { line: 4, event: { call_id: 'c-3' } },
    ],
    first_invalid: [{ line: 3, field: 'user_id' }, { line: 5, field: 'duration_seconds' }, { line: 6 }],
  });
  const { out, status } = await calltally(['import', 'calls.csv.gz', ...MAP, '--dry-run'], { cwd });
  t.equal(status, 1);
  t.match(out, /^line 2: \{"call_id":"c-1"/);
  t.match(out, /^line 5: duration_seconds: .*"NaN" at "billsec".*\(DURATION_INVALID\)$/m);
  t.match(out, /^5 records: 2 events, 3 invalid \(.*1 RECORD_UNREADABLE.*\); nothing was published$/m);
  t.notOk(existsSync(join(cwd, 'calls.csv.gz.errors.ndjson')));
});

test('columns with the names of fields need no mapping, and NDJSON of call events neither', async (t) => {
  const cwd = await folder(t);
  await writeFile(
    join(cwd, 'own.tsv'),
    'call_id\tstarted_at\tduration_seconds\tnote\nc-1\t2026-03-01T09:30:00Z\t84\tx\n',
  );
  t.match(await dryRun(cwd, 'own.tsv', '--user', 'u-1'), {
    status: 0,
    first: [{ event: { user_id: 'u-1' } }],
  });
  const event = { call_id: 'c-1', user_id: 'u-1', started_at: '2026-03-01T09:30:00Z', duration_seconds: 84 };
  await writeFile(join(cwd, 'own.jsonl'), `${JSON.stringify(event)}\n\n{}\n`);
  t.match(await dryRun(cwd, 'own.jsonl'), { records: 2, first: [{ event }], first_invalid: [{ line: 3 }] });
});

test('a file or a mapping that cannot be used is refused, with what to do', async (t) => {
  const cwd = await folder(t);
  await writeFile(join(cwd, 'calls.csv'), HEADER + row(1));
  await writeFile(join(cwd, 'twice.csv'), 'a,a\n1,2\n');
  await writeFile(join(cwd, 'empty.csv'), '\n');
  await writeFile(join(cwd, 'broken.csv.gz'), gzipSync(HEADER).subarray(0, 20));
  const refuses = async (code: string, message: RegExp, ...args: string[]) =>
    t.match(await dryRun(cwd, ...args), { status: 1, error: { code, message } }, args.join(' '));
  await refuses(
    'MAPPING_INVALID',
    /"start", for started_at, is no column; the columns are uuid, accountcode/,
    'calls.csv',
    ...MAP.slice(0, 4),
    ...['--map', 'started_at=start', '--map', 'duration_seconds=billsec'],
  );
  await refuses('MAPPING_INVALID', /user_id is not mapped; .* --user/, 'calls.csv', ...MAP.slice(0, 2));
  await refuses(
    'MAPPING_INVALID',
    /user_id is mapped, and there is --user/,
    'calls.csv',
    ...MAP,
    '--user',
    'u',
  );
  await refuses('MAPPING_INVALID', /--map uuid must be/, 'calls.csv', '--map', 'uuid');
  await refuses(
    'MAPPING_INVALID',
    /two columns; name them all with --columns/,
    'twice.csv',
    '--user',
    'u',
    ...['call_id', 'started_at', 'duration_seconds'].flatMap((field) => ['--map', `${field}=a`]),
  );
  await refuses('FILE_WITHOUT_COLUMNS', /empty/, 'empty.csv', ...MAP);
  await refuses('FILE_UNREADABLE', /broken/, 'broken.csv.gz', ...MAP);
  await refuses('FILE_UNREADABLE', /ENOENT/, 'missing.csv', ...MAP);
  await refuses('FORMAT_UNKNOWN', /--format csv/, '-');
  await refuses('USER_ID_INVALID', /no user id/, 'calls.csv', '--user', ' ');
  const { err } = await calltally(['import', 'calls.csv', ...MAP, '--errors', './calls.csv', '--json'], {
    cwd,
    env: NOWHERE,
  });
  t.match(JSON.parse(err).error, { code: 'FILE_UNWRITABLE', message: /overwrite the file itself/ });
});

test('import on a real Kafka', async (t) => {
  const topics = await kafkaTopics(t);

  await t.test('an import goes on only with the same file, mapping and topic', async (t) => {
    const cwd = await folder(t);
    const { topic, env } = await topics.newTopic();
    const file = join(cwd, 'calls.csv');
    const stopping = new AbortController();
    // Several checkpoints: on a busy machine the first ones may be missed.
    const rows = 20_000;
    await writeFile(file, HEADER + Array.from({ length: rows }, (_, n) => row(n)).join(''));
    const run = async (around: object, ...more: string[]) => {
      const args = ['import', 'calls.csv', ...MAP, '--json', ...more];
      const { status, out } = await calltally(args, { env, cwd, ...around });
      return { status, ...JSON.parse(out) };
    };
    const checkpoint = join(cwd, 'calls.csv.import.json');
    const waiting = setInterval(() => existsSync(checkpoint) && stopping.abort(), 5);
    const stopped = await run({ signal: stopping.signal });
    clearInterval(waiting);
    t.match(stopped, { status: 130, complete: false, resumed_after: 0 });
    const kept = await readFile(checkpoint);
    const again = async (what: string, expected: object, ...more: string[]) => {
      await writeFile(checkpoint, kept);
      t.match(await run({}, ...more), expected, what);
    };
    const sent = await topics.countIn(topic);
    await again('the same', {
      status: 0,
      resumed_after: JSON.parse(String(kept)).records,
      records: rows,
      published: rows,
    });
    t.ok((await topics.countIn(topic)) - sent < rows, 'less is published than the file has');
    t.notOk(existsSync(checkpoint), 'it is removed at the end');
    await again('another mapping', { resumed_after: 0, published: rows }, '--map', 'status=hangup_cause');
    await utimes(file, new Date(), new Date());
    await again('a file that was written', { resumed_after: 0, published: rows });
    await appendFile(file, row(rows));
    await writeFile(checkpoint, 'cut');
    t.match(await run({}), { status: 0, resumed_after: 0, published: rows + 1 }, 'a damaged checkpoint');
  });

  await t.test(
    'errors of an earlier import are not left, and none is a file that is not there',
    async (t) => {
      const cwd = await folder(t);
      const { env } = await topics.newTopic();
      const errors = join(cwd, 'calls.csv.errors.ndjson');
      const run = async (content: string) => {
        await writeFile(join(cwd, 'calls.csv'), HEADER + content);
        return calltally(['import', 'calls.csv', ...MAP], { env, cwd });
      };
      const first = await run(`${row(1)}c-2,u,x,1,\nc-3,u,y,1,\n`);
      t.equal(first.status, 1);
      t.match(first.err, /^line 3: started_at: /);
      t.match(first.out, `1 published, 2 invalid, see ${errors}`);
      await run(`${row(1)}c-2,u,x,1,\n`);
      t.match(
        (await readFile(errors, 'utf8'))
          .split('\n')
          .slice(0, -1)
          .map((one) => JSON.parse(one)),
        [{ line: 3, code: 'STARTED_AT_INVALID', field: 'started_at', message: /"x" at "start_epoch"/ }],
      );
      const good = await run(row(1));
      t.match(good, { status: 0, out: /^1 published$/m });
      t.notOk(existsSync(errors));
    },
  );

  await t.test('the memory does not grow with the file', async (t) => {
    const cwd = await folder(t);
    const { topic, env } = await topics.newTopic();
    const rows = 60_000;
    const file = createWriteStream(join(cwd, 'calls.csv'));
    file.write(HEADER);
    for (let n = 0; n < rows; n++) {
      if (!file.write(row(n).replace('NORMAL_CLEARING', 'x'.repeat(3_000)))) await once(file, 'drain');
    }
    file.end();
    await once(file, 'close');
    // The file has 180 MB. Were its rows kept, the process would run out of memory.
    const args = ['--max-old-space-size=96', BIN, 'import', 'calls.csv', ...MAP, '--json'];
    const child = spawn(process.execPath, args, {
      cwd,
      env: { PATH: process.env.PATH!, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [out, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    t.equal(status, 0);
    t.match(JSON.parse(out), { records: rows, published: rows, complete: true });
    t.equal(await topics.countIn(topic), rows);
  });
});
