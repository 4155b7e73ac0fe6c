import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { escapeUnsafe } from '@calltally/domain';
import type { Context } from './context.ts';
import { lettersBar } from './dead-letters/bar.ts';
import type { Problem } from './dead-letters/claims.ts';
import {
  connectDeadLetters,
  type DeadLetterClient,
  type FoundDeadLetter,
  scanLetters,
} from './dead-letters/dead-letter-client.ts';
import type { Selection } from './dead-letters/selection.ts';
import { safeJson } from './shown.ts';

/** What the commands of `dlq` go through letters with. */
export interface DeadLetterRun {
  client: DeadLetterClient;
  /** Hands on the chosen letters, with a bar on a terminal. @returns false when there was no need to read to the end */
  scan(take: (found: FoundDeadLetter[]) => Promise<boolean>): Promise<void>;
  /** Writes a line to standard output. Waits for who reads it, so that no more is held than that. */
  say(line: string): Promise<void>;
  /** Says on standard error why a letter is not as asked; the exit status is then 1. */
  report(problem: Problem): Promise<void>;
  /** How many problems were reported. */
  readonly problems: number;
}

/** @throws StoreError, errors of kafkajs, CommandError DLQ_UNKNOWN */
export async function withDeadLetters(
  context: Context,
  selection: Selection,
  json: boolean,
  work: (command: DeadLetterRun) => Promise<void>,
): Promise<void> {
  const { stdout, stderr, signal } = context.io;
  const { kafka } = context.settings();
  await context.withStore(async (store) => {
    const bar = lettersBar(stderr);
    let problems = 0;
    const report = async (problem: Problem) => {
      problems++;
      context.failed();
      bar.clear();
      const { letter, code, message } = problem;
      const line = json ? safeJson({ error: problem }) : escapeUnsafe(`${letter}: ${message} (${code})`);
      await write(stderr, `${line}\n`);
    };
    const client = await connectDeadLetters(kafka, store);
    try {
      await work({
        client,
        async scan(take) {
          const missing = await scanLetters(client, { selection, take, onProgress: bar.update, signal });
          if (signal.aborted) return;
          const message = `${client.dlqTopic} holds no such letter; it may have been let go of by now`;
          for (const letter of missing) await report({ letter, code: 'LETTER_UNKNOWN', message });
        },
        async say(line) {
          bar.clear();
          await write(stdout, `${line}\n`);
        },
        report,
        get problems() {
          return problems;
        },
      });
    } finally {
      bar.stop();
    }
  });
}

async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain');
}
