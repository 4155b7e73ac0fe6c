import { chmod, rm, stat, writeFile } from 'node:fs/promises';
import { isRoot, run, which } from './command.ts';

const POLICY = '/usr/sbin/policy-rc.d';

/** Whether this process can call `installPackages`. */
export async function canInstall(): Promise<boolean> {
  return isRoot() && (await which('apt-get')) !== undefined;
}

/**
 * Installs packages from the machine's configured package sources, as root. Their services are not started, neither now
 * nor at boot.
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
      // The package lists may be missing or outdated.
      await run('apt-get', ['update', '-q', ...options], { env });
      await install();
    }
  });
  const hasSystemd = await stat('/run/systemd/system').catch(() => undefined);
  if (hasSystemd) for (const service of services) await run('systemctl', ['disable', '--now', service]);
}

/** By convention, Debian's package scripts ask this file before they start a service. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  const ours = await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { flag: 'wx' }).then(
    () => true,
    () => false, // the machine has its own policy, which stays
  );
  try {
    if (ours) await chmod(POLICY, 0o755);
    await work();
  } finally {
    if (ours) await rm(POLICY, { force: true });
  }
}
