import { shown } from '@calltally/contract';
import { ID_RULE, isId, readDirection } from '@calltally/domain';
import { authFault } from './auth.ts';
import type { HookDefinition, HookUser } from './definition.ts';
import { PATH_RULE, parsePath } from './path.ts';
import type { Provider } from './provider.ts';
import { genericFault } from './providers/generic.ts';
import { PROVIDERS } from './providers.ts';

/** What is wrong with a definition of a hook, and what to do; undefined if it can be used. */
export function checkDefinition(definition: HookDefinition): string | undefined {
  const { provider: name, user, events, direction, auth, mapping, when } = definition;
  const provider = Object.hasOwn(PROVIDERS, name) ? PROVIDERS[name] : undefined;
  if (provider === undefined) {
    return `the provider is ${shown(name)}; it must be one of ${Object.keys(PROVIDERS).join(', ')}`;
  }
  if (direction !== undefined && !readDirection(direction)) {
    return `the direction is ${shown(direction)}; it must be inbound, outbound, web, or another word of at most 64 characters`;
  }
  const fault = userFault(user) ?? (events && eventsFault(name, provider, events));
  if (fault !== undefined) return fault;
  if (name === 'generic') return genericFault(definition);
  if (mapping !== undefined || when !== undefined) {
    return `a mapping and a filter are for generic hooks; calltally knows what ${name} sends`;
  }
  if (auth === undefined) return undefined;
  return provider.takesAuth ? authFault(auth) : `${name} authenticates in one way only; leave out how`;
}

function userFault(user: HookUser): string | undefined {
  if ('id' in user) return isId(user.id) ? undefined : `the user is ${shown(user.id)}; it must be ${ID_RULE}`;
  if (parsePath(user.from) !== undefined) return undefined;
  return `the path of the user is ${shown(user.from)}; it must be ${PATH_RULE}`;
}

function eventsFault(name: string, provider: Provider, events: readonly string[]): string | undefined {
  const choice = provider.events.join(', ');
  if (choice === '') return `${name} has one kind of event; leave out which`;
  const unknown = events.find((event) => !provider.events.includes(event));
  if (unknown !== undefined) return `the event is ${shown(unknown)}; it must be one of ${choice}`;
  if (events.length === 0) return `no event is chosen; choose of ${choice}`;
  if (events.length === 1 || !provider.takesOneEvent) return undefined;
  return `${events.join(' and ')} tell of the same calls, which would count once for each; choose one`;
}
