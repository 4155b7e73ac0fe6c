import { ID_PATTERN } from '@calltally/domain';
import { CommandError } from './failure.ts';

const pattern = new RegExp(ID_PATTERN);

/** @throws CommandError USER_ID_INVALID for what no event could carry as its `user_id` */
export function requireUserId(text: string): string {
  if (pattern.test(text)) return text;
  throw new CommandError(
    'USER_ID_INVALID',
    `${JSON.stringify(text)} is no user id: 1 to 128 of A-Z a-z 0-9 _ . : @ | - that begin with a letter or digit`,
  );
}
