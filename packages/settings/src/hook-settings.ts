import { createSecretKey, type KeyObject } from 'node:crypto';
import Type from 'typebox';
import { fragment } from './read-settings.ts';

/** A key that secrets of hooks are encrypted with. A `KeyObject`, because nothing prints what is in it. */
export interface HookKey {
  readonly id: string;
  readonly key: KeyObject;
}

const KEY_BYTES = 32;
const ITEM = /^(?<id>[A-Za-z0-9_-]{1,32}):(?<base64>[A-Za-z0-9+/]{43}=?)$/;

/** Section `hooks`: the first of `keys` encrypts, all decrypt. `publicUrl` has no slash at its end. */
export const HookSettings = fragment(
  'hooks',
  Type.Object({
    HOOK_KEYS: Type.Optional(
      Type.Refine(
        Type.String({
          inFile: true,
          description:
            'keys for the secrets of [hooks](operations.md#hooks), `ID:KEY` separated by commas, each key 32 random ' +
            'bytes in base64 (`openssl rand -base64 32`). The first one encrypts, all of them decrypt. Required for ' +
            'platforms that sign their webhooks',
          remedy:
            'ID:KEY separated by commas, each id once and of 1 to 32 letters, digits, _ and -, each key 32 bytes in base64',
        }),
        (text) => parseKeys(text) !== undefined,
      ),
    ),
    PUBLIC_URL: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'address under which platforms reach intake, such as `https://calls.example.com` or, behind a proxy that ' +
            'removes a prefix, `https://example.com/calltally`. Twilio signs it',
          remedy: 'an https:// or http:// URL without user, password, query and fragment',
        }),
        (text) => parsePublicUrl(text) !== undefined,
      ),
    ),
  }),
  ({ HOOK_KEYS, PUBLIC_URL }) => ({
    keys: (HOOK_KEYS === undefined ? undefined : parseKeys(HOOK_KEYS)) ?? [],
    publicUrl: PUBLIC_URL === undefined ? undefined : parsePublicUrl(PUBLIC_URL),
  }),
);

function parseKeys(text: string): HookKey[] | undefined {
  const keys: HookKey[] = [];
  for (const item of text.split(',')) {
    const { id, base64 } = ITEM.exec(item.trim())?.groups ?? {};
    const bytes = Buffer.from(base64 ?? '', 'base64');
    if (id === undefined || bytes.length !== KEY_BYTES || keys.some((one) => one.id === id)) return undefined;
    keys.push({ id, key: createSecretKey(bytes) });
  }
  return keys;
}

function parsePublicUrl(text: string): string | undefined {
  if (!URL.canParse(text) || /[?#]/.test(text)) return undefined;
  const { protocol, username, password, origin, pathname } = new URL(text);
  if (!/^https?:$/.test(protocol) || username !== '' || password !== '') return undefined;
  return origin + pathname.replace(/\/+$/, '');
}
