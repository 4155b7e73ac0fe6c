export { AuditSettings, CountersSettings, FillSettings } from './counters-settings.ts';
export { type KafkaSasl, KafkaSettings } from './kafka-settings.ts';
export {
  type Environment,
  type Fragment,
  readSettings,
  type Settings,
  SettingsError,
  type SettingsFault,
  variablesOf,
} from './read-settings.ts';
export {
  DrainSettings,
  HttpSettings,
  IngestHttp,
  LogSettings,
  ProxySettings,
  RateLimitSettings,
} from './service-settings.ts';
export { apiSettings, checkConfigOnly, ingestSettings, opsSettings } from './services.ts';
export { MongoSettings, type RedisCluster, type RedisNode, RedisSettings } from './store-settings.ts';
