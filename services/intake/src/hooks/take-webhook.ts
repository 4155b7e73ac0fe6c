import { checkCallEvent, hookLetterMessage, openCallEvent, type Rejection } from '@calltally/contract';
import type { EventMessage } from '@calltally/contract/producer';
import {
  fromFirstReceipt,
  type HookDefinition,
  type HookRequest,
  type Provider,
  type Reading,
} from '@calltally/hooks';
import type { HookReceipts, HookRow } from '@calltally/store';
import { judgeEvent } from '../calls/judge-events.ts';
import type { PayloadOutcome } from '../metrics.ts';

/** What a webhook leaves behind, and what became of each of its payloads. */
export interface Taken {
  events: EventMessage[];
  letters: EventMessage[];
  outcomes: PayloadOutcome[];
  /** Why it became a dead letter. */
  rejection?: Rejection;
}

/** An authenticated webhook. */
export interface Webhook {
  row: HookRow;
  provider: Provider;
  request: HookRequest;
  contentType: string | undefined;
}

/**
 * Reads a webhook. A payload that means a call and cannot be read becomes a dead letter with the whole body, once a webhook.
 * @throws StoreError if a time of receipt cannot be kept
 */
export async function takeWebhook(
  { row, provider, request, contentType }: Webhook,
  receipts: Pick<HookReceipts, 'firstReceipt'>,
): Promise<Taken> {
  const definition = row.definition as unknown as HookDefinition;
  const taken: Taken = { events: [], letters: [], outcomes: [] };
  for (const reading of provider.read(request, definition)) {
    const judged = await judge(reading, row._id, request.receivedAtMs, receipts);
    if ('skipped' in judged) taken.outcomes.push('skipped');
    else if ('message' in judged) {
      taken.events.push(judged.message);
      taken.outcomes.push('accepted');
    } else {
      taken.rejection ??= judged.rejection;
      taken.outcomes.push('dead_letter');
    }
  }
  const { rejection } = taken;
  if (rejection !== undefined) {
    const { body, url, receivedAtMs } = request;
    const query = url.includes('?') ? url.slice(url.indexOf('?') + 1) : undefined;
    const letter = {
      hookId: row._id,
      provider: row.provider,
      body,
      query,
      contentType,
      rejection,
      receivedAtMs,
    };
    taken.letters.push(hookLetterMessage(letter));
  }
  return taken;
}

type JudgedReading = { skipped: string } | { message: EventMessage } | { rejection: Rejection };

async function judge(
  reading: Reading,
  hookId: string,
  receivedAtMs: number,
  receipts: Pick<HookReceipts, 'firstReceipt'>,
): Promise<JudgedReading> {
  if (!('event' in reading)) return reading;
  let { event } = reading;
  const { call, rejection } = checkCallEvent(event, receivedAtMs);
  if (rejection !== undefined) return { rejection };
  if (reading.startsAtReceipt) {
    const first = await receipts.firstReceipt(hookId, call.callId, new Date(receivedAtMs));
    event = fromFirstReceipt(event, receivedAtMs, first.getTime());
  }
  const { message, refusal } = judgeEvent(openCallEvent(event), undefined, receivedAtMs);
  // Nobody's key limits whose calls a hook brings, so no refusal is about the user.
  return message === undefined ? { rejection: refusal as Rejection } : { message };
}
