import { ID_RULE, isId } from '@calltally/domain';
import { InvalidArgumentError } from 'commander';
import { CommandError } from './failure.ts';

/** Parses a whole number of an option. The parser throws InvalidArgumentError of commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,9}$/.test(text) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
  };
}

/** No partition or limit is larger. */
export const NUMBER_MAX = 999_999_999;

/** @throws CommandError USER_ID_INVALID for what no event could carry as its `user_id` */
export function requireUserId(text: string): string {
  if (isId(text)) return text;
  throw new CommandError('USER_ID_INVALID', `${JSON.stringify(text)} is no user id, which is ${ID_RULE}`);
}
