import { readFile } from 'node:fs/promises';
import { hashApiKey, type Store } from '@calltally/store';
import { writePrivate } from '../stack-file.ts';
import { DEMO_USER } from './calls.ts';

/** The contents of `.calltally/demo.json`, kept between starts. */
export interface DemoAccount {
  user_id: string;
  api_key: string;
  /** Unix ms. Demo calls that ended by then are in Kafka. 0 before the first call. */
  published_until_ms: number;
}

/**
 * Returns the demo user's key. Creates a new one if there is no valid key. If Mongo does not know the key, it does not
 * have the calls either, so they count as not published.
 * @throws StoreError
 */
export async function openDemoAccount(store: Store, file: string): Promise<DemoAccount> {
  const kept = await readAccount(file);
  const row = kept && (await store.apiKeys.findByHash(hashApiKey(kept.api_key)));
  if (
    kept !== undefined &&
    row !== undefined &&
    row.revoked_at === undefined &&
    row.expires_at === undefined
  ) {
    return kept;
  }
  const { apiKey } = await store.apiKeys.create({ userId: DEMO_USER, name: 'npm start' });
  const account = {
    user_id: DEMO_USER,
    api_key: apiKey,
    published_until_ms: row === undefined ? 0 : (kept?.published_until_ms ?? 0),
  };
  await saveDemoAccount(file, account);
  return account;
}

export async function saveDemoAccount(file: string, account: DemoAccount): Promise<void> {
  await writePrivate(file, `${JSON.stringify(account, null, 2)}\n`);
}

async function readAccount(file: string): Promise<DemoAccount | undefined> {
  try {
    const { user_id, api_key, published_until_ms } = JSON.parse(await readFile(file, 'utf8'));
    const usable =
      user_id === DEMO_USER && typeof api_key === 'string' && Number.isFinite(published_until_ms);
    return usable ? { user_id, api_key, published_until_ms } : undefined;
  } catch {
    return undefined;
  }
}
