import type { Rejection } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { eventItems } from '../event-items.ts';
import { openInput } from '../input.ts';
import { progressBar } from '../progress-bar.ts';
import { type Published, publishEvents } from '../publish-events.ts';

const HELP = `
Each line is one call event as JSON (docs/events.md); blank lines are skipped. A line that would be rejected is
reported with its number, field and reason, and is not published. Publishing a file again is safe: a call that is
already counted is not counted again.

Examples:
  $ calltally publish calls.ndjson
  $ calltally publish calls.ndjson.gz --json`;

/** `publish`: publishes NDJSON events through the producer that services use, too. */
export function addPublish(program: Command, context: Context): void {
  program
    .command('publish')
    .description('publish call events from a file; exit status 0 only when every one was acknowledged')
    .argument('<file>', 'NDJSON, or - for standard input')
    .option(
      '--json',
      'print {"published", "invalid", "failed", "complete"}; invalid lines go to standard error',
    )
    .addHelpText('after', HELP)
    .action((file: string, options: { json?: true }) => publish(file, options, context));
}

async function publish(file: string, { json }: { json?: true }, context: Context): Promise<void> {
  const { io } = context;
  const { kafka } = context.settings();
  const input = await openInput(file, io);
  const totalBytes = input.stats?.size;
  const progress = progressBar(
    io.stderr,
    totalBytes === undefined
      ? '{published} events published, {duration_formatted}'
      : '{bar} {percentage}% | {published} events published | {eta_formatted} left',
  );
  const { topic, brokers, ssl, sasl } = kafka;
  const producer = createCallEventProducer({ brokers, ssl, sasl, topic, clientId: 'calltally-ops' });
  const counts: Published = { published: 0, invalid: 0, failed: 0, complete: false };

  const onInvalid = (line: number, rejection: Rejection) => {
    progress.clear();
    context.warn(json ? invalidJson(line, rejection) : invalidText(line, rejection));
  };
  const onProgress = ({ published }: Published) =>
    progress.update(input.doneBytes(), totalBytes ?? 0, { published });
  io.signal.addEventListener('abort', input.destroy, { once: true });
  let failure: unknown;
  try {
    await publishEvents(eventItems(input.chunks), producer, { onInvalid, onProgress }, io.signal, counts);
  } catch (error) {
    counts.complete = false;
    // An input that is destroyed while it is read fails by that.
    if (!io.signal.aborted) failure = error;
  } finally {
    io.signal.removeEventListener('abort', input.destroy);
    progress.stop();
    input.destroy();
    await producer.close().catch(() => {});
  }
  if (json) context.printJson(counts);
  else context.print(summary(counts));
  if (failure !== undefined) throw failure;
  if (counts.invalid > 0 || !counts.complete) context.failed();
}

export function invalidText(line: number, { code, field, message }: Rejection): string {
  return `line ${line}: ${field === undefined ? '' : `${field}: `}${message} (${code})`;
}

function invalidJson(line: number, { code, field, message }: Rejection): string {
  return JSON.stringify({ error: { code, message, line, ...(field !== undefined && { field }) } });
}

function summary({ published, invalid, failed, complete }: Published): string {
  const parts = [`${published} published`];
  if (invalid > 0) parts.push(`${invalid} invalid`);
  if (failed > 0) parts.push(`${failed} not acknowledged`);
  if (!complete) parts.push('stopped before the end; publish the whole file again, nothing is counted twice');
  return parts.join(', ');
}
