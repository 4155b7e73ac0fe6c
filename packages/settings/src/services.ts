import { AuditSettings } from './audit-settings.ts';
import { CountersSettings } from './counters-settings.ts';
import { FillSettings } from './fill-settings.ts';
import { HttpSettings, IngestHttp } from './http-settings.ts';
import { KafkaSettings } from './kafka-settings.ts';
import { LogSettings } from './log-settings.ts';
import { MongoSettings } from './mongo-settings.ts';
import { ProxySettings } from './proxy-settings.ts';
import { RateLimitSettings } from './rate-limit-settings.ts';
import { RedisSettings } from './redis-settings.ts';

/** What the API reads from the environment. */
export const apiSettings = [
  HttpSettings,
  ProxySettings,
  RateLimitSettings,
  RedisSettings,
  MongoSettings,
  FillSettings,
  LogSettings,
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
] as const;

/** What the `calltally` command reads from the environment. */
export const opsSettings = [KafkaSettings, RedisSettings, MongoSettings, FillSettings] as const;
