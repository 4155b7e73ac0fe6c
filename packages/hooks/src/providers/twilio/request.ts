import type { HookRequest } from '../../provider.ts';

const PARTS = /^([a-z]+:\/\/(?:[^/?#@]*@)?(?:\[[^\]]*\]|[^/?#:]*))(:\d+)?(.*)$/is;

/** The address as Twilio may have signed it: without a port, and with its own or the usual one. */
export function addressesOf(url: string): readonly string[] {
  const [, origin, port, rest] = PARTS.exec(url) ?? [];
  if (origin === undefined) return [url];
  const usual = origin.toLowerCase().startsWith('https:') ? ':443' : ':80';
  return [`${origin}${rest}`, `${origin}${port ?? usual}${rest}`];
}

/** The parameters of the address. */
export function queryOf({ url }: HookRequest): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}

/** Whether the body is JSON (Event Streams), not a form (status callbacks). A form never begins like this: it is percent-encoded. */
export function isJson({ body }: HookRequest): boolean {
  return /^\s*[[{]/.test(body.toString('latin1', 0, 64));
}

/** The parameters of a form. */
export function formOf({ body }: HookRequest): URLSearchParams {
  return new URLSearchParams(body.toString('utf8'));
}
