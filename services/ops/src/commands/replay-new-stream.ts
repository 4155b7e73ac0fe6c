import { createInterface } from 'node:readline/promises';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { beginStream, lookAtStream, type NewStream } from '../replay/new-stream.ts';

/** `replay --new-stream`: says what it is about to do, and does it when that is confirmed. */
export async function newStream({ yes, json }: { yes?: true; json?: true }, context: Context): Promise<void> {
  const { kafka } = context.settings();
  await context.withStore(async (store) => {
    const found = await lookAtStream(kafka, store);
    if (!json) for (const line of describe(found)) context.print(line);
    if (!yes) await confirm(found.topic, context);
    const stream = await beginStream(store, found);
    if (json) {
      const partitions = found.partitions.map(({ partition, earliest, end, stored, madeAnew }) => ({
        partition,
        earliest,
        end,
        stored_before: stored < 0 ? null : stored,
        made_anew: madeAnew,
      }));
      return context.printJson({ stream, previous: found.previous, topic: found.topic, partitions });
    }
    context.print(
      `stream ${stream} has begun; ingest counts the topic from its first event, within a second where it runs`,
    );
  });
}

function* describe({ topic, previous, partitions }: NewStream): Generator<string> {
  yield `topic ${topic}, stream ${previous}: offsets are compared within one stream only`;
  for (const { partition, earliest, end, stored, madeAnew } of partitions) {
    const said = stored < 0 ? 'nothing was stored' : `was stored through ${stored}`;
    yield `partition ${partition}: ${said}, holds ${earliest} to ${end}${madeAnew ? ': made anew' : ''}`;
  }
  yield `stream ${previous + 1} begins with the first event of every partition; calls that are counted already stay so`;
  if (!partitions.some(({ madeAnew }) => madeAnew)) {
    yield 'no partition ends below what was stored, so the topic does not look as if it was made anew';
  }
}

/** @throws CommandError CONFIRMATION_MISSING */
async function confirm(topic: string, { io }: Context): Promise<void> {
  if (!io.stdin.isTTY) {
    throw new CommandError(
      'CONFIRMATION_MISSING',
      'nothing was done; --new-stream needs --yes where nobody can be asked',
    );
  }
  const lines = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await lines.question(`write ${topic} to begin: `, { signal: io.signal });
    if (answer.trim() === topic) return;
  } finally {
    lines.close();
  }
  throw new CommandError('CONFIRMATION_MISSING', 'nothing was done');
}
