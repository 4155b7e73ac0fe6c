// What the scripts of this folder share. They are run by hand (see each), their output is committed.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const here = new URL('./', import.meta.url);

/** Vendors' libraries come from the folder where the script is run, so that the project does not depend on them. */
export const library = createRequire(`${process.cwd()}/`);

export const versionOf = (name) =>
  JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version;

export const payload = (name) => readFileSync(new URL(`../payloads/${name}`, here), 'utf8');

export const openssl = (args, input) => execFileSync('openssl', args, { input });

export const hmac = (hash, key, text) =>
  openssl(
    ['dgst', `-${hash}`, '-mac', 'HMAC', '-macopt', `hexkey:${Buffer.from(key).toString('hex')}`, '-binary'],
    text,
  );

export function write(name, vectors) {
  writeFileSync(new URL(name, here), `${JSON.stringify(vectors, undefined, 2)}\n`);
}
