import { type CallEvent, checkCallEvent, type DroppedField, type Rejection } from '@calltally/contract';
import type { HookDefinition, HookRequest } from '@calltally/hooks';
import { PROVIDERS } from '@calltally/hooks';

/** What becomes of one payload of a webhook. */
export type Outcome =
  | { event: CallEvent; dropped: readonly DroppedField[]; startsAtReceipt: boolean }
  | { skipped: string }
  | { rejection: Rejection };

/** What becomes of a webhook: read by its provider, then checked as ingest does. One outcome for each payload in it. */
export function judgePayload(request: HookRequest, definition: HookDefinition): Outcome[] {
  const provider = PROVIDERS[definition.provider];
  if (provider === undefined) {
    const message = `this version does not know the provider ${definition.provider}`;
    return [{ rejection: { code: 'FIELD_INVALID', message } }];
  }
  return provider.read(request, definition).map((reading): Outcome => {
    if (!('event' in reading)) return reading;
    const { event, startsAtReceipt = false } = reading;
    const { rejection, dropped = [] } = checkCallEvent(event, Date.now());
    if (rejection !== undefined) return { rejection };
    return { event: event as unknown as CallEvent, dropped, startsAtReceipt };
  });
}
