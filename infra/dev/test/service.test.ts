import { fork } from 'node:child_process';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { Service } from '../src/service.ts';
import { eventually, folder, isAlive } from './support.ts';

test('services', async (t) => {
  const path = await folder(t);
  const script = async (name: string, text: string) => {
    const main = join(path, `${name}.mjs`);
    await writeFile(main, text);
    return main;
  };
  const steady = `console.log('up', process.pid); setInterval(() => {}, 1000);`;
  const service = async (name: string, text: string, stopTimeoutMs = 10_000) => {
    const said: string[] = [];
    const logFile = join(path, `${name}.log`);
    const main = await script(name, text);
    const made = new Service({
      name,
      main,
      env: process.env,
      logFile,
      say: (line) => said.push(line),
      stopTimeoutMs,
    });
    t.teardown(() => made.stop());
    made.start();
    const log = () => readFile(logFile, 'utf8').catch(() => '');
    const isUp = async () => ((await log()).includes(`up ${made.pid}`) ? made.pid : undefined);
    return { made, said, log, logFile, up: () => eventually(isUp) };
  };

  await t.test('a killed service is restarted, and the reason is printed', async (t) => {
    const { made, said, up } = await service('killed', steady);
    const first = await up();
    process.kill(first, 'SIGKILL');
    await eventually(() => (made.pid === undefined ? true : undefined));
    const second = await up();
    t.not(second, first);
    t.match(said, [/^killed ended by SIGKILL; starting it again in 0\.3 s/]);
    await made.stop();
    t.notOk(isAlive(second));
    t.equal(made.pid, undefined);
  });

  await t.test('a service that keeps failing is restarted after growing pauses', async (t) => {
    const { made, said } = await service('failing', 'process.exit(7);');
    await eventually(() => (said.length >= 3 ? true : undefined));
    await made.stop();
    t.match(said, [/exited with 7.* 0\.3 s/, / 0\.6 s/, / 1\.2 s/]);
    t.equal(made.pid, undefined, 'is not restarted after stop');
  });

  await t.test('if the log cannot be written, that is printed and the start is retried', async (t) => {
    const { made, said, logFile } = await service('mute', steady);
    await made.stop();
    await rm(logFile);
    await mkdir(logFile);
    said.length = 0;
    made.start();
    await eventually(() => (said.length >= 1 ? true : undefined));
    t.match(said[0], /^mute cannot be started: EISDIR[^\n]*; starting it again in 0\.3 s/);
    await rm(logFile, { recursive: true });
    await eventually(() => made.pid);
    await made.stop();
  });

  await t.test('a service may shut down cleanly, and is killed if it does not end', async (t) => {
    const polite = await service(
      'polite',
      `${steady} process.on('SIGTERM', () => { console.log('bye'); process.exit(0); });`,
    );
    await polite.up();
    await polite.made.stop();
    t.match(await polite.log(), 'bye');
    t.strictSame(polite.said, []);
    const deaf = await service('deaf', `process.on('SIGTERM', () => {}); ${steady}`, 200);
    const pid = await deaf.up();
    await deaf.made.stop();
    t.notOk(isAlive(pid));
  });

  await t.test('a log is appended to, and emptied if it is too large', async (t) => {
    const { made, up, log, logFile } = await service('talking', steady);
    const first = await up();
    await made.stop();
    made.start();
    await up();
    t.match(await log(), `up ${first}`);
    await made.stop();
    await truncate(logFile, 21 * 1024 * 1024);
    made.start();
    t.equal(await log(), '');
    await up();
  });

  await t.test('services end when their supervisor is killed', async (t) => {
    const main = await script('orphan', steady);
    const logFile = join(path, 'orphan.log');
    const supervisor = await script(
      'supervisor',
      `import { Service } from ${JSON.stringify(new URL('../src/service.ts', import.meta.url).href)};
       const [main, logFile] = process.argv.slice(2);
       const service = new Service({ name: 'orphan', main, env: process.env, logFile, say() {} });
       service.start();
       process.send(service.pid);`,
    );
    const execArgv = ['--import', import.meta.resolve('tsx'), '--conditions=calltally'];
    const child = fork(supervisor, [main, logFile], {
      execArgv,
      cwd: fileURLToPath(new URL('.', import.meta.url)),
    });
    const pid = await new Promise<number>((resolve) =>
      child.once('message', (told) => resolve(told as number)),
    );
    await eventually(async () =>
      (await readFile(logFile, 'utf8').catch(() => '')).includes(`up ${pid}`) ? true : undefined,
    );
    child.kill('SIGKILL');
    await eventually(() => (isAlive(pid) ? undefined : true));
    t.pass('gone');
  });
});
