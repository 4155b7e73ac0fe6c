export type { HookDefinition, HookUser } from './definition.ts';
export type { HookRequest, HookSecret, Provider, Reading, SignatureFault } from './provider.ts';
export { PROVIDERS } from './providers.ts';
