import { decodeCallEvent } from '@calltally/contract';
import type { Topic } from '../world/topic.ts';

/** Milliseconds in which a kafkajs consumer parses a topic and does nothing else, from its first message to its last. */
export async function parseOnly(topic: Topic, events: number): Promise<number> {
  const consumer = topic.client.consumer({ groupId: `${topic.name}-parse`, maxWaitTimeInMs: 250 });
  await consumer.connect();
  await consumer.subscribe({ topic: topic.name, fromBeginning: true });
  let parsed = 0;
  let beganMs = 0;
  const done = new Promise<number>((resolve) => {
    void consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 4,
      eachBatch: async ({ batch }) => {
        beganMs ||= performance.now();
        for (const { value } of batch.messages) if (decodeCallEvent(value, Date.now()).call) parsed++;
        if (parsed >= events) resolve(performance.now());
      },
    });
  });
  const endedMs = await done;
  await consumer.disconnect();
  return endedMs - beganMs;
}
