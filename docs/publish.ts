import { readFileSync } from 'node:fs';
import { createCallEventProducer } from '@calltally/contract/producer';

const kafka = process.env.KAFKA_BROKERS ?? JSON.parse(readFileSync('.calltally/stack.json', 'utf8')).kafka;
const calls = createCallEventProducer({ brokers: kafka.split(',') });
await calls.send({ call_id: 'c-2', user_id: 'me', started_at: '2026-11-23T04:05:00Z', duration_seconds: 60 });
await calls.close();
