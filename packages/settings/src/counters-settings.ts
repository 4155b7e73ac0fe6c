import Type from 'typebox';
import { fragment } from './fragment.ts';

/** Section `counters`: how far back Redis answers by itself. */
export const CountersSettings = fragment(
  'counters',
  Type.Object({
    COUNTERS_RETENTION_MONTHS: Type.Integer({
      default: 25,
      minimum: 2,
      maximum: 120,
      description: 'months that Redis keeps, 2 to 120; ranges further back are answered from Mongo',
      remedy: 'a whole number of months from 2 to 120',
    }),
  }),
  ({ COUNTERS_RETENTION_MONTHS }) => ({ retentionMonths: COUNTERS_RETENTION_MONTHS }),
);
