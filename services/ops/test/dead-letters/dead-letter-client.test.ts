import { test } from 'tap';
import { DeadLetterWorld } from './support.ts';

test('reading ends at the end of the topic, whatever is there', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const listed = async () => {
    const { out, errors } = await world.json(['list']);
    t.strictSame(errors, []);
    return out.letters.map(({ id }: { id: string }) => id);
  };

  await t.test('a control record, which no consumer is given', async (t) => {
    const ids = await world.letters([{ value: '{' }]);
    const producer = world.kafka.producer({
      transactionalId: world.topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (const isKept of [false, true]) {
      const transaction = await producer.transaction();
      await transaction.send({ topic: world.dlqTopic, messages: [{ value: '[' }, { value: ']' }] });
      await (isKept ? transaction.commit() : transaction.abort());
    }
    await producer.disconnect();
    t.strictSame(await listed(), [...ids, '0:4', '0:5'], 'an aborted message is no letter');
  });

  await t.test('letters that have expired are not listed, and reported if they are named', async (t) => {
    const [first, second] = await world.letters([{ value: '{' }, { value: '[' }]);
    await world.letGoBefore(second!);
    t.strictSame(await listed(), [second]);
    const { status, errors } = await world.json(['discard', first!, second!, '--yes']);
    t.equal(status, 1);
    t.match(errors, [{ letter: first, code: 'LETTER_UNKNOWN' }]);
    t.strictSame(await listed(), []);
  });

  await t.test('letters that lie far apart, each by itself', async (t) => {
    const ids = await world.letters(Array.from({ length: 2_000 }, (_, i) => ({ value: `{${i}` })));
    const named = [ids[1_999]!, ids[0]!, ids[1_000]!];
    const { status, out } = await world.json(['discard', ...named, '--yes']);
    t.equal(status, 0);
    t.equal(out.discarded, 3);
    t.equal((await listed()).length, 1_997);
  });
});
