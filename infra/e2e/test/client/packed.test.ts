import { test } from 'tap';
import { PackedProject } from '../../src/packed.ts';

const PROGRAM = `import { createClient, isClientError } from '@calltally/client';

const client = createClient({ baseUrl: 'http://127.0.0.1:2', apiKey: 'ct_key', retriesMax: 0 });
try {
  const { data } = await client.timeseries({ interval: 'week' });
  const first: number | undefined = data.buckets[0]?.calls;
  console.log(first);
  // @ts-expect-error: there are no years.
  await client.timeseries({ interval: 'year' });
} catch (thrown) {
  if (isClientError(thrown)) console.log(thrown.code);
}
`;

test('@calltally/client, installed from its tarball, compiles in strict projects and runs', async (t) => {
  const project = await PackedProject.of(t, 'client');
  t.comment(`${project.bytes} bytes`);
  t.same(
    Object.keys(project.manifest.dependencies as object),
    ['eventsource-parser'],
    'it needs nothing of ours',
  );
  t.same(
    project.files.filter((file) => !/^(dist\/|src\/)[\w-]+\.(js|js\.map|d\.ts|ts)$/.test(file)),
    ['LICENSE', 'package.json'],
    'and brings no tests along',
  );
  await project.publint();
  await project.attw();
  await project.compile(PROGRAM, 'browser');
  await project.compile(PROGRAM, 'node');
  t.equal(await project.run(), 'NETWORK_ERROR\n');
});
