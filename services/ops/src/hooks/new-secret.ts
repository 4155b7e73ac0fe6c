import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type HookDefinition, keepSecret, PROVIDERS, secretFault } from '@calltally/hooks';
import { type HookSecretRow, newHookSecretId } from '@calltally/store';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';

const SECRET_MAX_BYTES = 16_384;

/** A secret to keep, and its text if it was made here: to show it once. */
export interface NewSecret {
  row: HookSecretRow;
  shownOnce: string | undefined;
}

/**
 * Takes a secret from a file or standard input, never from the command line, which other processes see. Without a file it makes
 * one, if the platform sends the secret that it is told.
 * @throws CommandError SECRET_MISSING, SECRET_INVALID, FILE_UNREADABLE; SecretKeyError
 */
export async function newSecret(
  hookId: string,
  definition: HookDefinition,
  file: string | undefined,
  context: Context,
): Promise<NewSecret> {
  const kept = PROVIDERS[definition.provider]!.secretKept(definition);
  if (file === undefined && kept !== 'hashed') {
    const what = kept === 'public' ? 'its public key' : 'the secret that it signs with';
    throw new CommandError(
      'SECRET_MISSING',
      `${definition.provider} needs ${what}; write it into a file and name that by --secret-file, or give --secret-file - and write it to standard input`,
    );
  }
  const made = file === undefined ? randomBytes(32).toString('base64url') : undefined;
  const text = made ?? (await readSecret(file!, context));
  const fault = definition.auth && secretFault(definition.auth, text);
  if (fault !== undefined) throw new CommandError('SECRET_INVALID', fault);
  const { keys } = context.settings().hooks;
  const row = { ...keepSecret(text, kept, hookId, keys), _id: newHookSecretId(), created_at: new Date() };
  return { row, shownOnce: made };
}

/** Without the line break that editors add. */
async function readSecret(file: string, { io }: Context): Promise<string> {
  const bytes = file === '-' ? await readAll(io.stdin) : await readFileOf(resolve(io.cwd, file), file);
  const text = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (text !== '' && bytes.length <= SECRET_MAX_BYTES) return text;
  const fault = text === '' ? 'is empty' : `has more than ${SECRET_MAX_BYTES} bytes`;
  throw new CommandError('SECRET_INVALID', `the secret ${fault}; take it from the platform`);
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > SECRET_MAX_BYTES) break;
  }
  return Buffer.concat(chunks);
}

/** @throws CommandError FILE_UNREADABLE */
export async function readFileOf(path: string, shown: string): Promise<Buffer> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new CommandError('FILE_UNREADABLE', `${shown} cannot be read: ${error.code}`);
  });
}
