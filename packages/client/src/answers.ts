import { ApiError, type ClientError, isApiErrorCode, TransportError } from './errors.ts';
import type { Answer, AnswerCells, AnswerSource, CsvAnswer } from './types.ts';

/** A gateway answers with these when it could not reach the API, or not in time. */
const GATEWAY_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** A successful JSON answer. @throws TransportError if the API did not write it */
export async function answerOf<Data>(response: Response): Promise<Answer<Data>> {
  const body = parsed(await response.text());
  if (body?.success !== true || typeof body.data !== 'object' || body.data === null)
    throw unexpected(response);
  return withHeaders(response, body.data as Data);
}

/** A successful CSV answer. @throws TransportError if the API did not write it */
export async function csvOf(response: Response): Promise<CsvAnswer> {
  if (!response.headers.get('content-type')?.startsWith('text/csv')) throw unexpected(response);
  const [, fileName] = /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '') ?? [];
  return { ...withHeaders(response, await response.text()), fileName };
}

/** The error of an answer that is no success. A proxy may have written it, so its body may be anything. */
export async function errorOf(response: Response): Promise<ClientError> {
  const body = parsed(await response.text());
  const code = (body?.error as { code?: unknown } | undefined)?.code;
  if (isApiErrorCode(code) && typeof body?.message === 'string') {
    return new ApiError(code, body.message, moreOf(response));
  }
  return unexpected(response);
}

/** What answered is not the API, or not one that this client knows. */
export function unexpected(response: Response): TransportError {
  const { status, headers } = response;
  const type = headers.get('content-type') ?? 'without a type';
  const message = `The answer is none of calltally's: status ${status}, ${type}. Check baseUrl and the proxies before it.`;
  return new TransportError('UNEXPECTED_ANSWER', message, GATEWAY_STATUSES.has(status), moreOf(response));
}

function withHeaders<Data>({ headers }: Response, data: Data): Answer<Data> {
  return {
    data,
    asOf: headers.get('x-tally-as-of') ?? undefined,
    source: (headers.get('x-tally-source') as AnswerSource | null) ?? undefined,
    cells: (headers.get('x-tally-cells') as AnswerCells | null) ?? undefined,
    requestId: headers.get('x-request-id') ?? undefined,
  };
}

function moreOf({ status, headers }: Response) {
  return {
    status,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMsOf(headers.get('retry-after')),
  };
}

/** Reads seconds, as the API sends, or a date, as some proxies do. */
export function retryAfterMsOf(text: string | null, nowMs = Date.now()): number | undefined {
  if (text === null || text.trim() === '') return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
