export { CorsSettings, TokenSettings } from './access-settings.ts';
export { AuditSettings, CountersSettings, FillSettings } from './counters-settings.ts';
export { SettingsError, type SettingsFault } from './faults.ts';
export type { Environment } from './file-variables.ts';
export { type HookKey, HookSettings } from './hook-settings.ts';
export type { KafkaSasl, TokenEndpoint } from './kafka-sasl.ts';
export { KafkaSettings } from './kafka-settings.ts';
export { settingsOrExit } from './read-or-exit.ts';
export { type Fragment, readSettings, type Settings, variablesOf } from './read-settings.ts';
export {
  DrainSettings,
  HttpSettings,
  IngestHttp,
  IntakeHttp,
  LogSettings,
  ProxySettings,
  RateLimitSettings,
} from './service-settings.ts';
export { apiSettings, checkConfigOnly, ingestSettings, intakeSettings, opsSettings } from './services.ts';
export { MongoSettings, type RedisCluster, type RedisNode, RedisSettings } from './store-settings.ts';
export type { Tls } from './tls-settings.ts';
