import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, KafkaMessage } from 'kafkajs';

export type Read = KafkaMessage & { partition: number };

const READ_ATTEMPTS_MAX = 600;

/** The first `count` messages of a topic, in the order of each partition. Ends its consumer itself. */
export async function readMessages(kafka: Kafka, topic: string, count: number): Promise<Read[]> {
  const consumer = kafka.consumer({ groupId: `${topic}-read-${process.hrtime.bigint()}` });
  const read: Read[] = [];
  let crash: Error | undefined;
  consumer.on('consumer.crash', ({ payload }) => {
    // A coordinator that still loads is no crash: kafkajs tries again by itself.
    if (!payload.restart) crash = payload.error;
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        read.push({ ...message, partition });
      },
    });
    for (let attempt = 0; read.length < count && crash === undefined; attempt++) {
      if (attempt === READ_ATTEMPTS_MAX) throw new Error(`only ${read.length} of ${count} messages`);
      await sleep(100);
    }
    if (crash !== undefined) throw crash;
  } finally {
    await consumer.disconnect();
  }
  return read;
}
