import { type Client, createClient } from '@calltally/client';

const STORED = 'calltally.key';
const DEMO = /^#demo=(ct_[\w-]+)$/;

/** Asks this host with a key. The page itself tries again, and says so meanwhile. */
export function clientOf(apiKey: string): Client {
  return createClient({ baseUrl: location.origin, apiKey, retriesMax: 0 });
}

/** This tab's key. It is kept until the tab is closed or signed out, if the browser allows storage. */
export function storedKey(): string | undefined {
  try {
    return sessionStorage.getItem(STORED) ?? undefined;
  } catch {
    return undefined;
  }
}

export function storeKey(key: string | undefined): void {
  try {
    if (key === undefined) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, key);
  } catch {
    // A reload then asks for the key again.
  }
}

/**
 * Removes the demo key from the address, where `npm start` put it. As a fragment it is sent to no server, and now it is
 * in no history.
 */
export function takeDemoKey(): string | undefined {
  const key = DEMO.exec(location.hash)?.[1];
  if (key !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return key;
}

/** The part of a key that may be shown. */
export function shownKey(key: string): string {
  return `${key.slice(0, 7)}…`;
}
