import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { isGoneWithin } from '../src/processes.ts';
import { descendants, type Process } from './fixtures/processes.ts';

const PARENT = fileURLToPath(new URL('./fixtures/parent.ts', import.meta.url));
const GONE_TIMEOUT_MS = 20_000;

async function startParent(t: Test): Promise<{ parent: ChildProcess; below: Process[] }> {
  const folder = await uniqueFolder();
  const { KAFKA_BROKERS, REDIS_URL, MONGODB_URI, ...env } = process.env;
  const execArgv = ['--import=tsx', '--conditions=calltally'];
  const parent = fork(PARENT, [folder.path('stack')], { env, execArgv, detached: true });
  t.teardown(async () => {
    parent.kill('SIGKILL');
    await folder.remove();
  });
  t.same(await once(parent, 'message'), ['started', undefined]);
  return { parent, below: await descendants(parent.pid!) };
}

async function allGone(t: Test, processes: Process[]): Promise<void> {
  for (const { pid, command } of processes)
    t.ok(await isGoneWithin(pid, GONE_TIMEOUT_MS), command.slice(0, 60));
}

test('a Ctrl-C ends only the parent, and then every engine ends', async (t) => {
  const { parent, below } = await startParent(t);
  const engines = below.filter(({ command }) => !command.includes('guardian.js'));
  for (const engine of ['kafka.Kafka', 'redis-server', /mongod|ferretdb/, /mongod|postgres/]) {
    t.ok(
      engines.some(({ command }) => command.match(engine)),
      `${engine} runs`,
    );
  }
  process.kill(-parent.pid!, 'SIGINT'); // to its process group, as a terminal does
  await allGone(t, below);
});

test('kill -9 of the parent ends every engine', async (t) => {
  const { parent, below } = await startParent(t);
  parent.kill('SIGKILL');
  await allGone(t, below);
});

test('kill -9 of the guardians ends every engine', async (t) => {
  const { below } = await startParent(t);
  for (const { pid, command } of below) if (command.includes('guardian.js')) process.kill(pid, 'SIGKILL');
  await allGone(t, below);
});
