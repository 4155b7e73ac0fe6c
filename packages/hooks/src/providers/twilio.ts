import type { HookDefinition } from '../definition.ts';
import { notJson } from '../event-fields.ts';
import { parseJsonBytes } from '../json.ts';
import type { HookRequest, Provider, Reading } from '../provider.ts';
import { readCallback } from './twilio/callback.ts';
import { isJson, queryOf } from './twilio/request.ts';
import { verifySignature } from './twilio/signature.ts';
import { readSummary } from './twilio/summary.ts';

/**
 * Twilio: status callbacks, which are forms, and call summaries of Voice Insights, which are JSON. Both tell the same calls;
 * summaries have higher revisions. Parents are counted, not the legs that they dial.
 */
export const twilio: Provider = {
  events: ['callback', 'summary-partial', 'summary-complete'],
  defaultEvents: ['callback', 'summary-complete'],
  secretKept: () => 'encrypted',
  verify: verifySignature,
  read,
};

function read(request: HookRequest, definition: HookDefinition): Reading[] {
  const events = definition.events ?? twilio.defaultEvents;
  if (!isJson(request)) {
    if (events.includes('callback')) return [readCallback(request, definition)];
    return [{ skipped: 'the hook does not take the event callback' }];
  }
  const payload = parseJsonBytes(request.body);
  if (payload === undefined) return [notJson()];
  const query = queryOf(request);
  const payloads = Array.isArray(payload) ? payload : [payload];
  return payloads.map((one) => readSummary(one, query, definition, events));
}
