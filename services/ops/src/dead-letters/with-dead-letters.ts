import { escapeUnsafe } from '@calltally/domain';
import type { Context } from '../context.ts';
import { write } from '../io.ts';
import { progressBar } from '../progress-bar.ts';
import { safeJson } from '../terminal-safe.ts';
import {
  connectDeadLetters,
  type DeadLetterClient,
  type FoundDeadLetter,
  scanLetters,
} from './dead-letter-client.ts';
import type { Selection } from './selection.ts';

/** Why a letter was left as it is, for the person who asked. `code` is stable. */
export interface Problem {
  letter: string;
  code: string;
  message: string;
}

/** What the `dlq` commands work with. */
export interface DeadLetterRun {
  client: DeadLetterClient;
  /** Hands over the chosen letters. `take` returns false when it wants no more. */
  scan(take: (found: FoundDeadLetter[]) => Promise<boolean>): Promise<void>;
  /** Writes a line to standard output, and waits until it is read, so that memory stays bounded. */
  say(line: string): Promise<void>;
  /** Writes a problem to standard error. The exit status is then 1. */
  report(problem: Problem): Promise<void>;
  /** How many problems were reported. */
  readonly problems: number;
}

/** @throws StoreError, errors of kafkajs, CommandError DLQ_UNKNOWN */
export async function withDeadLetters(
  context: Context,
  selection: Selection,
  json: boolean,
  work: (run: DeadLetterRun) => Promise<void>,
): Promise<void> {
  const { stdout, stderr, signal } = context.io;
  const { kafka } = context.settings();
  const bar = progressBar(
    stderr,
    '{bar} {percentage}% | {value} of {total} letters read | {eta_formatted} left',
  );
  await context.withStore(async (store) => {
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
          const message = `${client.dlqTopic} holds no such letter; it may have expired`;
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
