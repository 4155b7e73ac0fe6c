import { ID_RULE, isId } from '@calltally/domain';
import { CommandError } from './failure.ts';

/** @throws CommandError USER_ID_INVALID for what no event could carry as its `user_id` */
export function requireUserId(text: string): string {
  if (isId(text)) return text;
  throw new CommandError('USER_ID_INVALID', `${JSON.stringify(text)} is no user id, which is ${ID_RULE}`);
}
