import Type from 'typebox';
import { DECIMALS, SEPARATORS } from '../csv.ts';

/* What all operations that also answer with a CSV have in common. */

export const formatParameters = {
  format: Type.Optional(
    Type.Enum(['json', 'csv'], {
      description: 'Takes precedence over `Accept`. Default: what `Accept` prefers, else json.',
    }),
  ),
  separator: Type.Optional(
    Type.Enum(Object.keys(SEPARATORS) as (keyof typeof SEPARATORS)[], {
      description: 'Separator of CSV cells. Default: comma, or semicolon if `decimal` is comma.',
    }),
  ),
  decimal: Type.Optional(
    Type.Enum(Object.keys(DECIMALS) as (keyof typeof DECIMALS)[], {
      description:
        'Decimal sign of a CSV. Default: point. A comma cannot be both decimal sign and separator.',
    }),
  ),
};
