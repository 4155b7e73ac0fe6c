import { readFile } from 'node:fs/promises';
import { type ApiKeyScope, hashApiKey, type Store } from '@calltally/store';
import { writePrivate } from '../stack-file.ts';
import { DEMO_USER } from './calls.ts';

/** The contents of `.calltally/demo.json`, kept between starts. */
export interface DemoAccount {
  user_id: string;
  api_key: string;
  /** Sends the calls. */
  write_key: string;
  /** Unix ms. Demo calls that ended by then are in Kafka. 0 before the first call. */
  published_until_ms: number;
}

/**
 * Returns the demo user's keys. Creates new ones for those that are not valid. If Mongo does not know the key, it does not
 * have the calls either, so they count as not published.
 * @throws StoreError
 */
export async function openDemoAccount(store: Store, file: string): Promise<DemoAccount> {
  const kept = await readAccount(file);
  const [read, write] = await Promise.all([keyState(store, kept?.api_key), keyState(store, kept?.write_key)]);
  if (kept !== undefined && read === 'valid' && write === 'valid') return kept as DemoAccount;
  const account = {
    user_id: DEMO_USER,
    api_key: read === 'valid' ? kept!.api_key : await createKey(store, 'read'),
    write_key: write === 'valid' ? kept!.write_key! : await createKey(store, 'write'),
    published_until_ms: read === 'unknown' ? 0 : (kept?.published_until_ms ?? 0),
  };
  await saveDemoAccount(file, account);
  return account;
}

export async function saveDemoAccount(file: string, account: DemoAccount): Promise<void> {
  await writePrivate(file, `${JSON.stringify(account, null, 2)}\n`);
}

async function createKey(store: Store, scope: ApiKeyScope): Promise<string> {
  const { apiKey } = await store.apiKeys.create({ userId: DEMO_USER, name: 'npm start', scope });
  return apiKey;
}

async function keyState(store: Store, key: string | undefined): Promise<'valid' | 'ended' | 'unknown'> {
  const row = key === undefined ? undefined : await store.apiKeys.findByHash(hashApiKey(key));
  if (row === undefined) return 'unknown';
  return row.revoked_at === undefined && row.expires_at === undefined ? 'valid' : 'ended';
}

/** The file of an earlier version has no `write_key`. */
async function readAccount(
  file: string,
): Promise<(Omit<DemoAccount, 'write_key'> & { write_key?: string }) | undefined> {
  try {
    const { user_id, api_key, write_key, published_until_ms } = JSON.parse(await readFile(file, 'utf8'));
    const usable =
      user_id === DEMO_USER && typeof api_key === 'string' && Number.isFinite(published_until_ms);
    if (!usable) return undefined;
    return { user_id, api_key, published_until_ms, ...(typeof write_key === 'string' && { write_key }) };
  } catch {
    return undefined;
  }
}
