import { shown } from '@calltally/contract';
import type { HookDefinition } from '../../definition.ts';
import {
  type Fields,
  fieldsOf,
  given,
  missing,
  numberOf,
  type Rejected,
  readId,
  readSeconds,
  readUser,
  rejected,
  textOf,
  translated,
} from '../../event-fields.ts';
import type { Reading } from '../../provider.ts';
import { childLeg, directionOf, refined, userPlaces } from './call.ts';

/** What Event Streams calls summaries, followed by `partial` or `complete`. */
const TYPE = 'com.twilio.voice.insights.call-summary.';

const GOING_ON = ['ringing', 'answered'];

/** A complete summary is of a call that ended, also if its last known state is one that goes on. */
const STATUSES = {
  completed: 'completed',
  answered: 'completed',
  busy: 'busy',
  fail: 'failed',
  undialed: 'failed',
  noanswer: 'no_answer',
  ringing: 'no_answer',
  canceled: 'canceled',
};

/**
 * Reads a call summary of Voice Insights, bare or as a CloudEvent of Event Streams. It corrects what the callback (revision 0)
 * and the partial summary said, in whatever order they arrive.
 */
export function readSummary(
  payload: unknown,
  query: URLSearchParams,
  definition: HookDefinition,
  events: readonly string[],
): Reading {
  const { specversion, type, data } = fieldsOf(payload);
  const isCloudEvent = specversion !== undefined;
  const summary = fieldsOf(isCloudEvent ? data : payload);
  const kind = isCloudEvent ? textOf(type) : undefined;
  if (isCloudEvent ? !kind?.startsWith(TYPE) : summary.call_state === undefined) {
    return { skipped: isCloudEvent ? `the event ${shown(type)} is no call summary` : 'no call summary' };
  }
  const state = textOf(summary.processing_state) ?? kind?.slice(TYPE.length);
  if (state !== 'partial' && state !== 'complete') {
    return rejected(
      'FIELD_INVALID',
      'processing_state',
      `is ${shown(state)}; it must be partial or complete`,
    );
  }
  if (!events.includes(`summary-${state}`)) {
    return { skipped: `the hook does not take the event summary-${state}` };
  }
  if (state === 'partial' && GOING_ON.some((going) => going === summary.call_state)) {
    return { skipped: `the call is ${summary.call_state} and has not ended` };
  }
  const { direction } = fieldsOf(summary.properties);
  const leg = childLeg(summary.parent_call_sid, direction);
  if (leg !== undefined) return leg;

  const id = readId(summary.call_sid, 'call_sid', 'it identifies the call');
  if ('rejection' in id) return id;
  // Named as in callbacks, so that a hook finds the same user in both.
  const user = readUser(userPlaces({ ...summary, AccountSid: summary.account_sid }, query), definition);
  if ('rejection' in user) return user;
  const startedAt = textOf(summary.start_time) ?? textOf(summary.created_time) ?? textOf(summary.end_time);
  if (startedAt === undefined) return missing('start_time', 'the call started then');
  const status = refined(translated(summary.call_state, STATUSES), summary.answered_by);
  const seconds = readTalkSeconds(summary, status);
  if (typeof seconds !== 'number') return seconds;
  return {
    event: given({
      call_id: id.id,
      user_id: user.id,
      started_at: startedAt,
      duration_seconds: seconds,
      direction: directionOf(direction) ?? definition.direction,
      status,
      revision: state === 'partial' ? 1 : 1 + versionOf(summary),
    }),
  };
}

/** Without the ringing, unless nothing else is told of a call that was answered. */
function readTalkSeconds(summary: Fields, status: string | undefined): number | Rejected {
  const talk = readSeconds(summary.connect_duration, 'connect_duration');
  if (talk !== undefined) return talk;
  if (status !== 'completed' && status !== 'voicemail') return 0;
  return (
    readSeconds(summary.duration, 'duration') ??
    missing('connect_duration', 'it tells how long the call lasted')
  );
}

/** A complete summary may be processed again; the first time is 1. */
function versionOf({ processing_version: value }: Fields): number {
  const version = numberOf(value) ?? 1;
  return Number.isSafeInteger(version + 1) ? Math.max(version, 1) : 1;
}
