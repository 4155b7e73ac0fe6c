/** Whose calls a hook brings: always the same user's, or the one at a path of the payload (`path.ts`). */
export type HookUser = { id: string } | { from: string };

/** What an operator says about a hook, apart from its secrets: the part that Mongo keeps as `definition`. JSON. */
export interface HookDefinition {
  provider: string;
  user: HookUser;
  /** Which of the provider's payloads it takes; default: `defaultEvents`. */
  events?: readonly string[];
  /** The direction of its calls, where payloads do not tell. */
  direction?: string;
}
