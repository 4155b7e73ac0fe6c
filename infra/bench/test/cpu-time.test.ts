import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '@calltally/stack';
import { Redis } from 'ioredis';
import { test } from 'tap';
import { engineCpuSeconds, stopwatch, usEach } from '../src/cpu-time.ts';

test('the processor time of an engine is that of its own processes, and grows with its work', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'calltally-cpu-'));
  const engine = await startRedis({ dataDir: join(folder, 'redis') });
  t.teardown(async () => {
    await engine.stop('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  const redis = new Redis(engine.address);
  t.teardown(() => redis.disconnect());
  const work = () => redis.eval('for i = 1, 2e7 do end', 0);
  await work();
  const before = engineCpuSeconds(engine);
  t.ok(before > 0);
  await work();
  t.ok(engineCpuSeconds(engine) > before);
  t.throws(() => engineCpuSeconds({ ...engine, dataDir: join(folder, 'other') }), /no process of redis/);
  t.throws(() => engineCpuSeconds({ ...engine, dataDir: undefined }), /not started here/);
});

test('a stopwatch has the processor time of other processes, too', (t) => {
  const spent = stopwatch();
  const before = process.cpuUsage();
  spawnSync(process.execPath, ['-e', 'for (const end = Date.now() + 500; Date.now() < end;);']);
  const { tookMs, cpuSeconds } = spent();
  const own = process.cpuUsage(before);
  t.ok(tookMs >= 500);
  t.ok(cpuSeconds - (own.user + own.system) / 1e6 > 0.2);
  t.equal(usEach({ tookMs: 1, cpuSeconds: 2 }, 4), 500_000);
  t.end();
});
