import type { HookAuth } from './auth.ts';
import type { Mapping } from './mapping/mapping.ts';

/** Whose calls a hook brings: always the same user's, or the one at a path of the payload (`path.ts`). */
export type HookUser = { id: string } | { from: string };

/** Which payloads are calls: those with this text, number or boolean at a path. */
export interface HookFilter {
  path: string;
  equals: string;
}

/** What an operator says about a hook, apart from its secrets: the part that Mongo keeps as `definition`. JSON. */
export interface HookDefinition {
  provider: string;
  user: HookUser;
  /** Which of the provider's payloads it takes; default: `defaultEvents`. */
  events?: readonly string[];
  /** The direction of its calls, where payloads do not tell. */
  direction?: string;
  /** How requests are authenticated, where the platform leaves it open. */
  auth?: HookAuth;
  /** `generic` alone: what payloads mean. Its `user_id` is not mapped, since `user` tells it. */
  mapping?: Mapping;
  /** `generic` alone: which payloads are calls; default: all. */
  when?: HookFilter;
}
