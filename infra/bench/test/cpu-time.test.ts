import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '@calltally/stack';
import { Redis } from 'ioredis';
import { test } from 'tap';
import { engineCpuSeconds } from '../src/cpu-time.ts';

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
