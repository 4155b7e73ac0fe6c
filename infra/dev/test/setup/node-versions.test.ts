import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { isSupported, TESTED } from '../../setup/node-versions.mjs';

const ROOT = new URL('../../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, ROOT), 'utf8');
const majors = Object.keys(TESTED).map(Number);
const newest = Math.max(...majors);

test('supports three releases from a minimum version on, and all newer releases', (t) => {
  const supported = [
    '20.19.0',
    '20.20.2',
    '22.12.0',
    '22.23.3',
    '24.0.0',
    '24.21.0',
    '26.12.1',
    process.versions.node,
  ];
  for (const version of supported) t.ok(isSupported(version), version);
  for (const version of ['18.20.8', '20.9.0', '20.18.3', '21.7.3', '22.2.0', '22.11.0', '23.11.1'])
    t.notOk(isSupported(version), version);
  t.end();
});

test('each release is tested with its oldest supported version, the newest with a newer one', (t) => {
  for (const [major, version] of Object.entries<string>(TESTED)) {
    t.ok(version.startsWith(`${major}.`) && isSupported(version), version);
    const [, minor] = version.split('.').map(Number);
    if (Number(major) !== newest)
      t.notOk(isSupported(`${major}.${Number(minor) - 1}.99`), `${version} is the oldest`);
  }
  t.end();
});

test('the images use the newest release, and README names all of them', (t) => {
  const images = [...read('infra/docker/Dockerfile').matchAll(/^FROM node:(\d+)-/gm)].map(([, major]) =>
    Number(major),
  );
  t.same(images, [newest, newest]);
  const row = /^\| Node ([^|]+) \|/m.exec(read('README.md'))?.[1] ?? '';
  t.same(
    row
      .match(/\d+(?:\.\d+)?/g)
      ?.map(Number.parseFloat)
      .map(Math.trunc),
    majors,
  );
  t.end();
});
