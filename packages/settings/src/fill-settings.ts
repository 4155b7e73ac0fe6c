import Type from 'typebox';
import { fragment } from './fragment.ts';

/** Section `fill`: how much of Mongo is given to users whose counters are being filled. */
export const FillSettings = fragment(
  'fill',
  Type.Object({
    FILL_SLOTS: Type.Integer({
      default: 1,
      minimum: 1,
      maximum: 64,
      description:
        'how many sums all processes together ask of Mongo at once to fill counters, 1 to 64; ' +
        'give every process the same',
      remedy: 'a whole number from 1 to 64',
    }),
  }),
  ({ FILL_SLOTS }) => ({ slots: FILL_SLOTS }),
);
