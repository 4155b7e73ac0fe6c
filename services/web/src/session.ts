const STORED = 'calltally.key';
const DEMO = /^#demo=(ct_[\w-]+)$/;

/** The key of this tab, kept until it is closed or signed out. A browser that stores nothing keeps none. */
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
    // Then a reload asks for it again.
  }
}

/**
 * Takes the demo's key out of the address, where `npm start` put it: a fragment goes to no server, and from here on it
 * is in no history either.
 */
export function takeDemoKey(): string | undefined {
  const key = DEMO.exec(location.hash)?.[1];
  if (key !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return key;
}

/** As much of a key as may be shown. */
export function shownKey(key: string): string {
  return `${key.slice(0, 7)}…`;
}
