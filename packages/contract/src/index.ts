export { asyncApiDocument } from './asyncapi.ts';
export { checkCallEvent, type DroppedField } from './check-call-event.ts';
export { registerCodecs } from './compression.ts';
export {
  CUT_HEADER,
  DEAD_LETTER_HEADERS,
  type DeadLetter,
  deadLetterMessage,
  HOOK_HEADERS,
  type HookLetter,
  hookLetterMessage,
  LAST_OFFSET_HEADER,
  LETTER_LIMITS,
  type LetterLimits,
  messageBytes,
  OWN_HEADERS,
} from './dead-letter.ts';
export {
  type CallEvent,
  type CallEventFields,
  type CompletedCallEvent,
  type DeletedCallEvent,
  DURATION_MAX_SECONDS,
  EVENT_SIZE_MAX_BYTES,
} from './event.ts';
export {
  decodeCallEvent,
  encodeCallEvent,
  type Opened,
  openCallEvent,
  parseCallEvent,
} from './event-codec.ts';
export { CallEventSchema } from './event-schema.ts';
export { kafkaClient } from './kafka-client.ts';
export {
  KAFKA_RETRY,
  type KafkaClientOptions,
  type KafkaLog,
  type KafkaLogLevel,
  type KafkaSasl,
  type KafkaTls,
} from './kafka-config.ts';
export { type KafkaFault, kafkaFault } from './kafka-fault.ts';
export { type Unreadable, unreadableOf } from './records/unreadable.ts';
export {
  REJECTION_CODES,
  type Rejection,
  type RejectionCode,
  recordUnreadable,
  shown,
} from './rejection.ts';
export { ensureTopics, TOPIC_DEFAULTS, type Topics } from './topics.ts';
