import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { drawPort, obtainHaproxy, obtainNginx, type Test } from '@calltally/stack/testing';
import type { Service } from './service.ts';

const OPERATIONS = new URL('../../../docs/operations.md', import.meta.url);
const READY_WITHIN_MS = 180_000;

/** nginx before these processes, configured as docs/operations.md recommends. @returns its URL */
export async function startNginx(t: Test, apis: readonly Service[]): Promise<string> {
  const command = await obtainNginx();
  return start(t, apis, (folder, port) => {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${join(folder, name)};`,
    );
    const http = recommended('nginx', apis).replace('listen 80;', `listen 127.0.0.1:${port};`);
    const file = join(folder, 'nginx.conf');
    writeFileSync(
      file,
      // One process, so that none is left behind.
      `daemon off; master_process off; pid ${join(folder, 'pid')};
       events {} http { access_log off; ${temporary.join(' ')}\n${http} }`,
    );
    return [command, '-e', 'stderr', '-p', folder, '-c', file];
  });
}

/**
 * HAProxy before these processes, configured as docs/operations.md recommends. @returns its URL
 * @param retries false leaves out what sends a failed request again, so that every failure is seen
 */
export async function startHaproxy(
  t: Test,
  apis: readonly Service[],
  { retries = true } = {},
): Promise<string> {
  const command = await obtainHaproxy();
  return start(t, apis, (folder, port) => {
    let text = recommended('haproxy', apis).replace('bind :80', `bind 127.0.0.1:${port}`);
    if (!retries)
      text = text.replace(/^ *option redispatch.*$/m, '  retries 0').replace(/^ *retry-on.*$/m, '');
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(file, text);
    return [command, '-db', '-f', file];
  });
}

/** The configuration in docs/operations.md, with the addresses of these processes. */
function recommended(language: 'nginx' | 'haproxy', apis: readonly Service[]): string {
  const block = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(readFileSync(OPERATIONS, 'utf8'));
  if (block === null) throw new Error(`docs/operations.md has no configuration of ${language}`);
  return apis.reduce(
    (text, { port }, i) => text.replace(`api-${i + 1}:3000`, `127.0.0.1:${port}`),
    block[1]!,
  );
}

async function start(
  t: Test,
  apis: readonly Service[],
  configure: (folder: string, port: number) => string[],
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'calltally-balancer-'));
  const port = await drawPort();
  const [command, ...args] = configure(folder, port);
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = once(child, 'exit');
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk) => {
      said += chunk;
    });
  }
  t.teardown(async () => {
    child.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  for (
    const end = Date.now() + READY_WITHIN_MS;
    Date.now() < end && child.exitCode === null;
    await sleep(50)
  ) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return url;
  }
  throw new Error(`${command} does not lead to ${apis.map((api) => api.url)}: ${said}`);
}
