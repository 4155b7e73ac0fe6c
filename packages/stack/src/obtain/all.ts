import type { EngineName } from '../errors.ts';
import { mongoTools, obtainMongo } from '../mongo.ts';
import { fromEnvironment } from '../stack.ts';
import { kafkaTools, obtainKafka } from './kafka.ts';
import { obtainTools, REDIS, type Tool } from './tools.ts';

interface Recipe {
  /** What has to be on the machine. */
  tools(): Promise<Tool[]>;
  fetch(log?: (line: string) => void): Promise<unknown>;
}

const RECIPES: Record<EngineName, Recipe> = {
  kafka: { tools: kafkaTools, fetch: obtainKafka },
  redis: { tools: async () => [REDIS], fetch: async () => {} },
  mongo: { tools: mongoTools, fetch: obtainMongo },
};

/**
 * Fetches what the engines need that no variable names, so that starting them needs no network. Rejects with a
 * StackError of all that is missing on the machine, or with an AggregateError of those that cannot be fetched.
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
