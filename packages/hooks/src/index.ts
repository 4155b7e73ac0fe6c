export { authFault, type HmacAuth, type HookAuth, secretFault } from './auth.ts';
export { checkDefinition } from './check-definition.ts';
export type { HookDefinition, HookFilter, HookUser } from './definition.ts';
export { fromFirstReceipt } from './first-receipt.ts';
export { parseJsonBytes } from './json.ts';
export {
  type CompiledMapping,
  compileMapping,
  type MappedRecord,
} from './mapping/compile-mapping.ts';
export type { Getter, GetterOf } from './mapping/field-reading.ts';
export { getterOfJson } from './mapping/json-getter.ts';
export { MAPPED_FIELDS, type MappedField, type Mapping, type ValueMeaning } from './mapping/mapping.ts';
export { type MappingOptions, parseMappingOptions } from './mapping/parse-options.ts';
export { PATH_RULE, type Path, parsePath, valueAt } from './path.ts';
export type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from './provider.ts';
export { genericFault } from './providers/generic.ts';
export { PROVIDERS } from './providers.ts';
export {
  encryptAgain,
  type KeptSecret,
  keepSecret,
  resolveSecrets,
  type SecretKey,
  SecretKeyError,
} from './secret-keys.ts';
