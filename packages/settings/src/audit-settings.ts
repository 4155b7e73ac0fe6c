import Type from 'typebox';
import { fragment } from './fragment.ts';

/** Section `audit`: how many users ingest compares with Mongo by itself; either of them 0 switches that off. */
export const AuditSettings = fragment(
  'audit',
  Type.Object({
    AUDIT_SHARE: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description:
        'share of the users with new calls whose counters ingest compares with Mongo, 0 to 1; ' +
        'of a few users still one. `0` compares nobody',
      remedy: 'a number from 0 to 1, like 0.01',
    }),
    AUDIT_USERS_PER_MINUTE: Type.Integer({
      default: 60,
      minimum: 0,
      maximum: 6_000,
      description: 'the most users that one ingest process compares in a minute; `0` compares nobody',
      remedy: 'a whole number of users a minute up to 6000, or 0 for none',
    }),
  }),
  ({ AUDIT_SHARE, AUDIT_USERS_PER_MINUTE }) => ({
    share: AUDIT_SHARE,
    usersPerMinute: AUDIT_USERS_PER_MINUTE,
  }),
);
