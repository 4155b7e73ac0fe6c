import { chmod, rm, stat, writeFile } from 'node:fs/promises';
import { isRoot, run, which } from './command.ts';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether `installPackages` can work here at all. */
export async function canInstall(): Promise<boolean> {
  return isRoot() && (await which('apt-get')) !== undefined;
}

/**
 * Installs packages of the machine's own distribution, as root, from the sources it is set up with. Services
 * that they bring are neither started nor left to start with the machine.
 */
export async function installPackages(names: readonly string[], services: readonly string[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const install = () =>
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...options, ...names], { env });
  await withoutServices(async () => {
    try {
      await install();
    } catch {
      // Lists that are absent, or older than the mirror's packages.
      await run('apt-get', ['update', '-q', ...options], { env });
      await install();
    }
  });
  const hasSystemd = await stat('/run/systemd/system').catch(() => undefined);
  if (hasSystemd) for (const service of services) await run('systemctl', ['disable', '--now', service]);
}

/** Debian asks this file, by convention, before a package's script starts a service. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const ours = await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { flag: 'wx' }).then(
    () => true,
    () => false, // the machine has rules of its own, which stay
  );
  try {
    if (ours) await chmod(POLICY, 0o755);
    await work();
  } finally {
    if (ours) await rm(POLICY, { force: true });
  }
}
