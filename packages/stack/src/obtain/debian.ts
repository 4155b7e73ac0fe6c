import { chmod, rm, stat, writeFile } from 'node:fs/promises';
import { isRoot, run, which } from './command.ts';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether `installPackage` can work here at all. */
export async function canInstall(): Promise<boolean> {
  return isRoot() && (await which('apt-get')) !== undefined;
}

/**
 * Installs a package of the machine's own distribution, as root, from the sources it is set up with. A service
 * that the package brings is neither started nor left to start with the machine.
 */
export async function installPackage(name: string, service?: string): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' };
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const install = () =>
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...options, name], { env });
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
  if (service !== undefined && hasSystemd) await run('systemctl', ['disable', '--now', service]);
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
