import type { EngineName } from '../errors.ts';
import { mongoTools, obtainMongo } from '../mongo.ts';
import { fromEnvironment } from '../stack.ts';
import { kafkaTools, obtainKafka } from './kafka.ts';
import { obtainTools, REDIS, type Tool } from './tools.ts';

interface Recipe {
  /** The tools that must be installed. */
  tools(): Promise<Tool[]>;
  fetch(log?: (line: string) => void): Promise<unknown>;
}

const RECIPES: Record<EngineName, Recipe> = {
  kafka: { tools: kafkaTools, fetch: obtainKafka },
  redis: { tools: async () => [REDIS], fetch: async () => {} },
  mongo: { tools: mongoTools, fetch: obtainMongo },
};

/**
 * Downloads what the engines need, so that starting them needs no network. Skips engines that an environment variable
 * names. Rejects with one StackError that lists all missing tools, or with an AggregateError of the failed downloads.
 */
export async function obtainEngines(log: (line: string) => void = () => {}): Promise<void> {
  const names = Object.keys(RECIPES) as EngineName[];
  const wanted = names.filter((name) => fromEnvironment(name) === undefined).map((name) => RECIPES[name]);
  const tools = await Promise.all(wanted.map((recipe) => recipe.tools()));
  await obtainTools(tools.flat(), log);
  const tries = await Promise.allSettled(wanted.map((recipe) => recipe.fetch(log)));
  const failures = tries.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures);
}
