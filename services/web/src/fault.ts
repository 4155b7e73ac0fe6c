export type FaultKind = 'refused' | 'limited' | 'unavailable' | 'failed' | 'unreachable';

const KINDS: Readonly<Record<number, FaultKind>> = { 401: 'refused', 429: 'limited', 503: 'unavailable' };

/** Why the API gave no answer. */
export class Fault extends Error {
  override readonly name = 'Fault';

  constructor(
    readonly kind: FaultKind,
    /** The API's own words, or ours where there was no API. */
    message: string,
    /** How long the API asks to be left alone. */
    readonly retryAfterMs = 0,
    /** What the API's log calls the request. */
    readonly requestId: string | undefined = undefined,
  ) {
    super(message);
  }
}

/** What a refusal says; its body may be anything, since a proxy may have written it. */
export async function faultOf(response: Response): Promise<Fault> {
  const body: unknown = await response.json().catch(() => undefined);
  const said = (body as { message?: unknown } | undefined)?.message;
  return new Fault(
    KINDS[response.status] ?? 'failed',
    typeof said === 'string' ? said : `The server answered with status ${response.status}.`,
    1000 * (Number(response.headers.get('retry-after')) || 0),
    response.headers.get('x-request-id') ?? undefined,
  );
}
