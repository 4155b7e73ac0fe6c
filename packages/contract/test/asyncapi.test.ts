import { readFile } from 'node:fs/promises';
import asyncapi from '@asyncapi/specs';
import { asyncApiDocument, CallEventSchema, decodeCallEvent } from '@calltally/contract';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { test } from 'tap';

interface Message {
  payload: { $ref: string };
  examples: { payload: Record<string, unknown> }[];
}

// As it is served.
const document = JSON.parse(JSON.stringify(asyncApiDocument({ topic: 'calls.completed', version: '1.2.3' })));
const messages = Object.values<Message>(document.components.messages);
const NOW = Date.parse('2026-04-01T00:00:00Z');

const ajv = formats.default(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(document, 'document');
const accepts = (message: Message, payload: unknown) =>
  ajv.validate({ $ref: `document${message.payload.$ref}` }, payload);

test('the document is valid by the schema of AsyncAPI 3.0', async (t) => {
  // It brings the schema of schemas along.
  const official = formats.default(
    new Ajv({ strict: false, allErrors: true, meta: false, validateSchema: false }),
  );
  const validate = official.compile(asyncapi.schemas['3.0.0'] as object);
  validate(document);
  t.same(validate.errors, null);
  t.equal(document.channels.calls.address, 'calls.completed');
  t.notOk(validate({ ...document, operations: { count: { action: 'count' } } }), 'the schema looks at it');
});

test('its payload is the schema of the event', async (t) => {
  t.same(document.components.schemas.CallEvent, JSON.parse(JSON.stringify(CallEventSchema)));
});

test('it accepts its examples and those of docs/events.md, as ingest does, and refuses what lacks a user', async (t) => {
  const docs = await readFile(new URL('../../../docs/events.md', import.meta.url), 'utf8');
  const documented = [...docs.matchAll(/```json\n(.*?)```/gs)].map(([, block]) => JSON.parse(block!));
  const own = messages.flatMap(({ examples }) => examples.map(({ payload }) => payload));
  t.equal(documented.length, 5);
  t.equal(own.length, 4);
  for (const payload of [...documented, ...own]) {
    const [callEvent, cloudEvent] = messages as [Message, Message];
    const message = 'specversion' in payload ? cloudEvent : callEvent;
    t.ok(accepts(message, payload), ajv.errorsText());
    t.ok(decodeCallEvent(Buffer.from(JSON.stringify(payload)), NOW).call);
    const { user_id: _, ...rest } = payload.data ?? payload;
    t.notOk(accepts(message, payload.data ? { ...payload, data: rest } : rest));
  }
});
