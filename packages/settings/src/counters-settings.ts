import Type from 'typebox';
import { fragment } from './read-settings.ts';

/** Section `counters`: what Redis keeps. All of it takes effect with the next generation. */
export const CountersSettings = fragment(
  'counters',
  Type.Object({
    COUNTERS_RETENTION_MONTHS: Type.Integer({
      default: 25,
      minimum: 2,
      maximum: 120,
      description: 'months that Redis keeps, 2 to 120; older ranges are answered from Mongo',
      remedy: 'a whole number of months from 2 to 120',
    }),
    COUNTERS_DETAIL: Type.Enum(['on', 'off'], {
      default: 'on',
      description:
        'whether Redis also keeps sums by half-hour, and by agent, direction and status; ' +
        '`off` saves memory, and Mongo answers hours, time zones, breakdowns and filters',
      remedy: '`on` or `off`',
    }),
    COUNTERS_CELLS_MAX: Type.Integer({
      default: 1_000,
      minimum: 1,
      maximum: 1_280,
      description:
        'combinations of agent, direction and status that Redis keeps for a user and month, 1 to 1280; ' +
        'Mongo answers for users with more',
      remedy: 'a whole number from 1 to 1280',
    }),
  }),
  ({ COUNTERS_RETENTION_MONTHS, COUNTERS_DETAIL, COUNTERS_CELLS_MAX }) => ({
    retentionMonths: COUNTERS_RETENTION_MONTHS,
    cellsMax: COUNTERS_DETAIL === 'on' ? COUNTERS_CELLS_MAX : 0,
  }),
);

/** Section `fill`: how much load filling may put on Mongo. */
export const FillSettings = fragment(
  'fill',
  Type.Object({
    FILL_SLOTS: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 64,
      description:
        'how many queries all processes together may run on Mongo at once to fill counters, 1 to 64; ' +
        'set the same value for every process',
      remedy: 'a whole number from 1 to 64',
    }),
  }),
  ({ FILL_SLOTS }) => ({ slots: FILL_SLOTS }),
);

/** Section `audit`: how many users ingest compares with Mongo; 0 in either variable turns the audit off. */
export const AuditSettings = fragment(
  'audit',
  Type.Object({
    AUDIT_SHARE: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description:
        'share of the users with new calls whose counters ingest compares with Mongo, 0 to 1; ' +
        'at least one user is compared. `0` turns the audit off',
      remedy: 'a number from 0 to 1, such as 0.01',
    }),
    AUDIT_USERS_PER_MINUTE: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 6_000,
      description: 'most users that one ingest process compares per minute; `0` turns the audit off',
      remedy: 'a whole number of users per minute up to 6000, or 0 for none',
    }),
  }),
  ({ AUDIT_SHARE, AUDIT_USERS_PER_MINUTE }) => ({
    share: AUDIT_SHARE,
    usersPerMinute: AUDIT_USERS_PER_MINUTE,
  }),
);
