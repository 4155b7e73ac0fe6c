import type { KafkaMessage } from 'kafkajs';
import { test } from 'tap';
import { decodeBatch } from '../src/decode-batch.ts';

const message = (offset: number, value: string | null) =>
  ({
    offset: String(offset),
    timestamp: String(offset * 10),
    key: null,
    value: value && Buffer.from(value),
  }) as KafkaMessage;

test('a batch covers every message, counted or rejected', async (t) => {
  const event = { call_id: 'c', user_id: 'u', started_at: '2026-03-01T10:00:00Z', duration_seconds: 1 };
  const spoilt = { ...event, status: 7, ended_at: 'later' };
  const values = ['{', JSON.stringify(event), JSON.stringify(spoilt)];
  const messages = [...values.map((value, i) => message(7 + i * 2, value)), message(13, null)];
  const batch = decodeBatch(3, messages, { first: 6, through: 14 });
  t.match(batch, { partition: 3, first: 6, through: 14 });
  t.same(batch.dropped, ['ended_at', 'status']);
  t.same(
    batch.events.map(({ offset, call }) => [offset, call.callId]),
    [
      [9, 'c'],
      [11, 'c'],
    ],
  );
  t.same(
    batch.rejected.map(({ message: { offset }, rejection: { code } }) => [offset, code]),
    [
      ['7', 'EVENT_NOT_JSON'],
      ['13', 'EVENT_EMPTY'],
    ],
  );
});

test('a batch without messages covers its empty offsets', async (t) => {
  t.match(decodeBatch(0, [], { first: 4, through: 8 }), { events: [], rejected: [], first: 4, through: 8 });
});
