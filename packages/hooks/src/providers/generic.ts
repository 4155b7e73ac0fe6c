import { shown } from '@calltally/contract';
import { authFault, type HookAuth } from '../auth.ts';
import type { HookDefinition } from '../definition.ts';
import { parseJsonBytes } from '../json.ts';
import { type CompiledMapping, compileMapping } from '../mapping/compile-mapping.ts';
import { textOf } from '../mapping/field-readers.ts';
import { getterOfJson } from '../mapping/json-getter.ts';
import { PATH_RULE, parsePath, valueAt } from '../path.ts';
import type { Provider, Reading } from '../provider.ts';
import { verifyAuth } from '../verify-auth.ts';

const AUTH: HookAuth = { scheme: 'secret' };
/** As many as a request to `POST /calls` may have. */
const PAYLOADS_MAX = 1_000;

/** Whatever sends JSON: one record or an array of them, which the hook's mapping explains. */
export const generic: Provider = {
  events: [],
  defaultEvents: [],
  takesAuth: true,
  secretKept: ({ auth = AUTH }) => (auth.scheme === 'secret' ? 'hashed' : 'encrypted'),
  verify: (request, secrets, { auth = AUTH }) => verifyAuth(request, secrets, auth),
  read({ body }, definition) {
    const payload = parseJsonBytes(body);
    if (payload === undefined) {
      const message = 'the body is not JSON in UTF-8; send one JSON object, or an array of them';
      return [{ rejection: { code: 'EVENT_NOT_JSON', message } }];
    }
    const payloads = Array.isArray(payload) ? payload : [payload];
    if (payloads.length > PAYLOADS_MAX) {
      const message = `the body has ${payloads.length} records; send at most ${PAYLOADS_MAX} at once`;
      return [{ rejection: { code: 'EVENT_TOO_LARGE', message } }];
    }
    const mapping = mappingOf(definition);
    return payloads.map((one) => readOne(one, definition, mapping));
  },
};

/** What is wrong with a definition of a `generic` hook, and what to do; undefined if it can be used. */
export function genericFault(definition: HookDefinition): string | undefined {
  const { auth = AUTH, mapping, when } = definition;
  if (mapping === undefined) return 'there is no mapping; say where the fields of a call are';
  if (mapping.fields.user_id !== undefined) return 'user_id is mapped; the user of a hook is told apart';
  if (when !== undefined && parsePath(when.path) === undefined) {
    return `the path of the filter is ${JSON.stringify(when.path)}; it must be ${PATH_RULE}`;
  }
  const compiled = compile(definition);
  return 'fault' in compiled ? compiled.fault : authFault(auth);
}

function readOne(payload: unknown, { when, direction }: HookDefinition, mapping: CompiledMapping): Reading {
  if (when !== undefined) {
    const value = valueAt(payload, parsePath(when.path) ?? []);
    if (textOf(value) !== when.equals) {
      return { skipped: `${when.path} is ${shown(value)}, not ${JSON.stringify(when.equals)}` };
    }
  }
  const { event, rejection } = mapping.read(payload);
  if (rejection !== undefined) return { rejection };
  const isWithout = direction !== undefined && event.direction === undefined && event.deleted !== true;
  return { event: isWithout ? { ...event, direction } : event };
}

/** Of definitions that a process has seen. They do not change. */
const compiledMappings = new WeakMap<HookDefinition, CompiledMapping>();

function mappingOf(definition: HookDefinition): CompiledMapping {
  const known = compiledMappings.get(definition);
  if (known !== undefined) return known;
  const compiled = compile(definition);
  if ('fault' in compiled) {
    const rejection = {
      code: 'FIELD_INVALID',
      message: `the hook cannot be used: ${compiled.fault}`,
    } as const;
    return { paths: [], read: () => ({ rejection }) };
  }
  compiledMappings.set(definition, compiled);
  return compiled;
}

function compile({ mapping, user }: HookDefinition): CompiledMapping | { fault: string } {
  const user_id = 'id' in user ? `=${user.id}` : user.from;
  return compileMapping({ ...mapping, fields: { ...mapping?.fields, user_id } }, getterOfJson);
}
