import { DIRECTIONS, ID_PATTERN, LABEL_PATTERN, STATUSES } from '@calltally/domain';
import Type from 'typebox';

/** A value on the topic takes at most this many bytes; a call in full needs about 400. */
export const EVENT_SIZE_MAX_BYTES = 64 * 1024;

/** Seven days: what lasts longer is a fault of the producer's clock, not a call. */
export const DURATION_MAX_SECONDS = 604_800;

/**
 * How much longer than its call `duration_seconds` may be: one of the two may be rounded, or both. Talk time is often
 * shorter than the call and never longer; what is, are milliseconds that were written as seconds.
 */
export const DURATION_BEYOND_END_MAX_MS = 1_000;

/** How far `started_at` may lie ahead of the reader's clock. */
export const STARTED_AT_AHEAD_MAX_MS = 5 * 60_000;

/** 2000-01-01T00:00:00Z: what is older comes from a clock that was never set. */
export const STARTED_AT_MIN_MS = 946_684_800_000;

/** Shape of an RFC 3339 date-time with offset; whether that day and time exist is for the codec to say. */
const INSTANT_PATTERN =
  '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?(?:[Zz]|[+-]\\d{2}:\\d{2})$';

const idOf = (description: string) => Type.String({ pattern: ID_PATTERN, description });

/** Spellings of the known values are folded, others are kept as they come; empty where it is not known. */
const labelOf = (description: string, known: readonly string[]) =>
  Type.String({ pattern: LABEL_PATTERN, examples: [...known], description });

/** Many producers write null for what they do not have, so null in an optional field counts as absent. */
const absentOr = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

/**
 * One completed call as it travels on `calls.completed`, key `user_id`, value this object as JSON in
 * UTF-8 of at most {@link EVENT_SIZE_MAX_BYTES}. The only description of the event: its type is
 * derived from it, and a test holds the codec and docs/events.md against it.
 */
export const CallEventSchema = Type.Object(
  {
    call_id: idOf('The identity of the call: its first event wins, later ones change nothing.'),
    user_id: idOf('Whose call it is; also the key of the message.'),
    started_at: Type.String({
      pattern: INSTANT_PATTERN,
      description:
        'RFC 3339 with offset. Decides day, week and month (in UTC); at most 5 minutes ahead, not before 2000.',
    }),
    duration_seconds: absentOr(
      Type.Number({
        minimum: 0,
        maximum: DURATION_MAX_SECONDS,
        description: 'How long the call lasted; kept as whole milliseconds, half up. Wins over `ended_at`.',
      }),
    ),
    ended_at: absentOr(
      Type.String({
        pattern: INSTANT_PATTERN,
        description:
          'RFC 3339 with offset. Gives the duration where `duration_seconds` is absent; where it is not, it may be no longer.',
      }),
    ),
    agent_id: absentOr(
      Type.Union([
        Type.Literal(''),
        idOf('Who, or which voice agent, took the call; empty where it is not known.'),
      ]),
    ),
    direction: absentOr(labelOf('Where the call came from.', DIRECTIONS)),
    status: absentOr(labelOf('How the call ended.', STATUSES)),
  },
  {
    title: 'CallEvent',
    description: `A completed call. At most ${EVENT_SIZE_MAX_BYTES} bytes; unknown fields are let through and not kept.`,
    anyOf: [
      { required: ['duration_seconds'], properties: { duration_seconds: { type: 'number' } } },
      { required: ['ended_at'], properties: { ended_at: { type: 'string' } } },
    ],
  },
);

/** A completed call as producers write it; see {@link CallEventSchema}. */
export type CallEvent = Type.Static<typeof CallEventSchema>;
