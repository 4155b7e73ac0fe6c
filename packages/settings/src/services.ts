import { CorsSettings, TokenSettings } from './access-settings.ts';
import { AuditSettings, CountersSettings, FillSettings } from './counters-settings.ts';
import { HookSettings } from './hook-settings.ts';
import { KafkaSettings } from './kafka-settings.ts';
import {
  DrainSettings,
  HttpSettings,
  IngestHttp,
  IntakeHttp,
  LogSettings,
  ProxySettings,
  RateLimitSettings,
} from './service-settings.ts';
import { MongoSettings, RedisSettings } from './store-settings.ts';
import { TracingSettings } from './tracing-settings.ts';

/** What the API reads from the environment. */
export const apiSettings = [
  HttpSettings,
  DrainSettings,
  ProxySettings,
  RateLimitSettings,
  TokenSettings,
  CorsSettings,
  RedisSettings,
  MongoSettings,
  FillSettings,
  LogSettings,
  TracingSettings,
] as const;

/** What ingest reads from the environment. */
export const ingestSettings = [
  IngestHttp,
  KafkaSettings,
  RedisSettings,
  MongoSettings,
  CountersSettings,
  FillSettings,
  AuditSettings,
  LogSettings,
  TracingSettings,
] as const;

/** What intake reads from the environment. */
export const intakeSettings = [
  IntakeHttp,
  DrainSettings,
  ProxySettings,
  KafkaSettings,
  MongoSettings,
  HookSettings,
  LogSettings,
  TracingSettings,
] as const;

/** What the `calltally` command reads from the environment. */
export const opsSettings = [KafkaSettings, RedisSettings, MongoSettings, FillSettings, HookSettings] as const;

/** Whether the process should stop after checking its settings. */
export function checkConfigOnly(argv: readonly string[]): boolean {
  return argv.includes('--check-config');
}
