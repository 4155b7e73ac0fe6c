import { EVENT_SIZE_MAX_BYTES } from './event.ts';
import { CallEventSchema } from './event-schema.ts';

const KAFKA_BINDING_VERSION = '0.5.0';

const CALL = {
  call_id: 'c-20260301-0001',
  user_id: 'u-42',
  started_at: '2026-03-01T09:30:00+01:00',
  duration_seconds: 84.25,
  direction: 'inbound',
  status: 'completed',
};

/** What both messages have in common. */
const MESSAGE = {
  bindings: {
    kafka: {
      key: {
        type: 'string',
        description: 'The `user_id`. It keeps the events of a user in order; counting does not depend on it.',
      },
      bindingVersion: KAFKA_BINDING_VERSION,
    },
  },
};

const CALL_EVENT = {
  ...MESSAGE,
  title: 'Call event',
  summary: 'A completed call, a correction of one, or the news that a call is taken back.',
  contentType: 'application/json',
  headers: {
    type: 'object',
    description:
      'None are needed, and all are ignored: also those of a CloudEvent 1.0 in binary mode, whose value is the call event.',
    properties: { ce_specversion: { type: 'string', const: '1.0' } },
  },
  payload: { $ref: '#/components/schemas/CallEvent' },
  examples: [
    { name: 'call', payload: CALL },
    { name: 'correction', payload: { ...CALL, duration_seconds: 90, revision: 1 } },
    {
      name: 'deletion',
      payload: { call_id: CALL.call_id, user_id: CALL.user_id, revision: 2, deleted: true },
    },
  ],
};

const CLOUD_EVENT = {
  ...MESSAGE,
  title: 'CloudEvent',
  summary: 'A CloudEvent 1.0 in structured mode around a call event.',
  contentType: 'application/cloudevents+json',
  payload: { $ref: '#/components/schemas/CloudEvent' },
  examples: [
    {
      name: 'structured',
      payload: {
        specversion: '1.0',
        id: 'e-1',
        source: '/pbx/1',
        type: 'com.example.call.completed',
        data: CALL,
      },
    },
  ],
};

const CloudEventSchema = {
  type: 'object',
  title: 'CloudEvent',
  description: 'All other attributes are ignored.',
  required: ['specversion'],
  properties: {
    specversion: { type: 'string', const: '1.0' },
    data: { $ref: '#/components/schemas/CallEvent' },
    data_base64: { type: 'string', description: 'The JSON of a call event in base64.' },
  },
  oneOf: [{ required: ['data'] }, { required: ['data_base64'] }],
};

/** The AsyncAPI 3.0 document of the topic that ingest reads, made of the schema that events are checked with. */
export function asyncApiDocument({ topic, version }: { topic: string; version: string }): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'calltally: completed calls',
      version,
      description:
        'Events that calltally counts calls from. Wait for all in-sync replicas, and send an event again if you are not ' +
        'sure that it arrived: each call is counted once.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: {
      calls: {
        address: topic,
        description: `Values of at most ${EVENT_SIZE_MAX_BYTES} bytes. What is no event goes to the dead-letter topic.`,
        messages: {
          callEvent: { $ref: '#/components/messages/callEvent' },
          cloudEvent: { $ref: '#/components/messages/cloudEvent' },
        },
        bindings: { kafka: { topic, bindingVersion: KAFKA_BINDING_VERSION } },
      },
    },
    operations: {
      countCalls: {
        action: 'receive',
        summary: 'calltally counts the calls that it receives.',
        channel: { $ref: '#/channels/calls' },
        messages: [
          { $ref: '#/channels/calls/messages/callEvent' },
          { $ref: '#/channels/calls/messages/cloudEvent' },
        ],
        bindings: { kafka: { bindingVersion: KAFKA_BINDING_VERSION } },
      },
    },
    components: {
      schemas: { CallEvent: CallEventSchema, CloudEvent: CloudEventSchema },
      messages: { callEvent: CALL_EVENT, cloudEvent: CLOUD_EVENT },
    },
  };
}
