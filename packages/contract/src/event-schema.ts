import { DIRECTIONS, ID_PATTERN, LABEL_PATTERN, STATUSES } from '@calltally/domain';
import Type from 'typebox';
import { DURATION_MAX_SECONDS, EVENT_SIZE_MAX_BYTES } from './event.ts';

/** Shape of an RFC 3339 date-time with offset. The codec checks that the day and time exist. */
const INSTANT_PATTERN =
  '^\\d{4}-\\d{2}-\\d{2}[Tt]\\d{2}:\\d{2}:\\d{2}(?:\\.\\d+)?(?:[Zz]|[+-]\\d{2}:\\d{2})$';

const idOf = (description: string) => Type.String({ pattern: ID_PATTERN, description });

/** Spellings of known values are folded, other values are kept; empty means unknown. */
const labelOf = (description: string, known: readonly string[]) =>
  Type.String({ pattern: LABEL_PATTERN, examples: [...known], description });

/** Null in an optional field counts as absent: many producers write it for a missing value. */
const absentOr = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

/** A call has a start, and either this field or another one says how long it lasted. */
const completed = (field: string, type: string) => ({
  required: ['started_at', field],
  properties: { started_at: { type: 'string' }, [field]: { type }, deleted: { enum: [false, null] } },
});

/**
 * A call event on `calls.completed`: the key is `user_id`, the value this object as JSON in UTF-8, at most
 * {@link EVENT_SIZE_MAX_BYTES} bytes. Tests compare the type, the codec and docs/events.md with it.
 */
export const CallEventSchema = Type.Object(
  {
    call_id: idOf('Identifies the call among those of its user.'),
    user_id: idOf('The user whose call it is; also the key of the message.'),
    started_at: absentOr(
      Type.String({
        pattern: INSTANT_PATTERN,
        description:
          'RFC 3339 with offset. Decides day, week and month (in UTC). At most 5 minutes in the future, not before 2000.',
      }),
    ),
    duration_seconds: absentOr(
      Type.Number({
        minimum: 0,
        maximum: DURATION_MAX_SECONDS,
        description:
          'How long the call lasted; rounded half up to milliseconds. Takes precedence over `ended_at`.',
      }),
    ),
    ended_at: absentOr(
      Type.String({
        pattern: INSTANT_PATTERN,
        description:
          'RFC 3339 with offset. Gives the duration if `duration_seconds` is absent, and otherwise limits it.',
      }),
    ),
    agent_id: absentOr(
      Type.Union([Type.Literal(''), idOf('The person or voice agent who took the call; empty if unknown.')]),
    ),
    direction: absentOr(labelOf('Where the call came from.', DIRECTIONS)),
    status: absentOr(labelOf('How the call ended.', STATUSES)),
    revision: absentOr(
      Type.Integer({
        minimum: 0,
        maximum: Number.MAX_SAFE_INTEGER,
        description:
          'The highest revision of a call counts; of equal ones, the first that arrives. Absent: 0.',
      }),
    ),
    deleted: absentOr(
      Type.Boolean({
        description: 'True takes the call back. Requires a revision of at least 1, and no times.',
      }),
    ),
  },
  {
    title: 'CallEvent',
    description: `A completed call. At most ${EVENT_SIZE_MAX_BYTES} bytes; unknown fields are ignored.`,
    anyOf: [
      completed('duration_seconds', 'number'),
      completed('ended_at', 'string'),
      {
        required: ['deleted', 'revision'],
        properties: { deleted: { const: true }, revision: { type: 'integer', minimum: 1 } },
      },
    ],
  },
);
