import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const MIRRORS_MAX = 3;

/** A separate apt: uses another Debian suite on the machine's mirror, and changes nothing on the machine. */
interface PrivateApt {
  /** The packages that installing `names` on an empty machine would install. */
  closure(names: string[]): Promise<string[]>;
  /** Puts the packages' .deb files into `folder`. */
  download(names: string[], folder: string): Promise<void>;
}

/** Downloads the suite's package lists to `work`. Needs no root. Rejects if no mirror has the suite. */
export async function openSuite(suite: string, work: string): Promise<PrivateApt> {
  const mirrors = await debianMirrors();
  if (mirrors.length === 0) throw new Error('the apt sources of this machine name no Debian mirror');
  let failure: unknown;
  for (const mirror of mirrors.slice(0, MIRRORS_MAX)) {
    const env = { APT_CONFIG: await configure(work, `deb [signed-by=${KEYRING}] ${mirror} ${suite} main\n`) };
    try {
      await run('apt-get', ['update', '-q', '--error-on=any'], { env });
      return {
        async closure(names) {
          const said = await run('apt-get', ['install', '-qq', '--print-uris', ...names], { env });
          return [...said.matchAll(/^'[^']+' ([^_\s]+)_\S+\.deb /gm)].map(([, name]) => name!);
        },
        async download(names, folder) {
          await mkdir(folder, { recursive: true });
          await run('apt-get', ['download', '-q', ...names], { env, cwd: folder });
        },
      };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The mirrors of the machine's Debian release, from either format of its sources. */
async function debianMirrors(): Promise<string[]> {
  const os = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const codename = /^VERSION_CODENAME=(\S+)/m.exec(os)?.[1];
  const format = '$(REPO_URI) $(RELEASE) $(COMPONENT)';
  const said = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  const mirrors = said
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([, release, component]) => component === 'main' && (release === codename || release === 'stable'),
    )
    .map(([uri]) => uri!);
  // Other repositories use Debian's suite names too, so mirrors that look like Debian's come first.
  const isDebian = (uri: string) => /\/debian\b/.test(uri);
  return [...new Set([...mirrors.filter(isDebian), ...mirrors])];
}

async function configure(work: string, source: string): Promise<string> {
  const paths = {
    state: join(work, 'state'),
    cache: join(work, 'cache'),
    sources: join(work, 'sources.list'),
  };
  await mkdir(join(paths.state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(paths.cache, 'archives', 'partial'), { recursive: true });
  await writeFile(paths.sources, source);
  await writeFile(join(work, 'status'), '');
  // Keeps how the machine reaches its mirror. Leaves out its hooks, which may need root.
  const acquire = (await run('apt-config', ['dump']))
    .split('\n')
    .filter((line) => line.startsWith('Acquire::'));
  const lines = [
    ...acquire,
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    'Dir::Etc::sourceparts "/dev/null";',
    `Dir::Etc::sourcelist "${paths.sources}";`,
    `Dir::State "${paths.state}";`,
    `Dir::State::status "${join(work, 'status')}";`,
    `Dir::Cache "${paths.cache}";`,
    'APT::Install-Recommends "false";',
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
  ];
  const file = join(work, 'apt.conf');
  await writeFile(file, `${lines.join('\n')}\n`);
  return file;
}
