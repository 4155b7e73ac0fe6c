import kafkajs, { type Kafka } from 'kafkajs';
import { registerCodecs } from './compression.ts';
import { type KafkaClientOptions, kafkaConfig } from './kafka-config.ts';
import { decodeRecords } from './records/record-batch.ts';

/**
 * Creates a kafkajs client that can also read: every codec of Kafka can be read, and records are decoded by
 * `decodeRecords`. Nothing else creates one, except the producer, which only writes.
 */
export function kafkaClient(options: KafkaClientOptions): Kafka {
  registerCodecs();
  // Throws if kafkajs is not patched (infra/kafka/patches), so that the fixes cannot be missing unnoticed.
  kafkajs.RecordsDecoder.decode = decodeRecords;
  // Silences a warning for users of kafkajs 1.
  process.env.KAFKAJS_NO_PARTITIONER_WARNING ??= '1';
  return new kafkajs.Kafka(kafkaConfig(options));
}
