import { extname, resolve } from 'node:path';
import { parseInstant } from '@calltally/domain';
import { type HookRequest, PROVIDERS, resolveSecrets } from '@calltally/hooks';
import type { HookRow } from '@calltally/store';
import { type Command, InvalidArgumentError } from 'commander';
import type { Context } from '../context.ts';
import { addressOf, definitionIn, requireHook } from '../hooks/hook-view.ts';
import { judgePayload, type Outcome } from '../hooks/judge-payload.ts';
import { readFileOf } from '../hooks/new-secret.ts';

interface Options {
  header?: Record<string, string>;
  contentType?: string;
  query?: string;
  at?: number;
  json?: true;
}

const FORM = 'application/x-www-form-urlencoded';
const HELP = `
Says what the payload would become, and counts nothing. A .json file is JSON, any other a form, unless --content-type says
otherwise. With headers the signature is checked, too, as of --at: signatures end after some minutes.

Examples:
  $ calltally hooks test hook_0f1e2d3c4b5a69788796a5b4 call-ended.json
  $ calltally hooks test hook_0f1e2d3c4b5a69788796a5b4 callback.txt --header 'X-Twilio-Signature: GmZ…='`;

/** `hooks test`: what a stored payload would become. */
export function addHooksTest(hooks: Command, context: Context): void {
  hooks
    .command('test')
    .description('say what a stored payload would become; exit status 0 only if nothing of it is refused')
    .argument('<hook_id>', 'as hooks list shows it')
    .argument('<file>', 'the body of a webhook, as it came')
    .option('--header <name: value>', 'a header that it came with; several times', collectHeader)
    .option('--content-type <type>', 'of the body')
    .option('--query <query>', 'what followed ? in the address')
    .option('--at <time>', 'when it came, such as 2026-03-01T09:30:00Z; default now', parseTime)
    .option(
      '--json',
      'print {"signature", "outcomes": [{"event", "dropped"} or {"skipped"} or {"rejection"}]}',
    )
    .addHelpText('after', HELP)
    .action((hookId: string, file: string, options: Options) => testHook(hookId, file, options, context));
}

async function testHook(hookId: string, file: string, options: Options, context: Context): Promise<void> {
  const { header, json, at = Date.now() } = options;
  const hook = await context.withStore((store) => requireHook(store, hookId));
  const body = await readFileOf(resolve(context.io.cwd, file), file);
  const request = requestOf(hook, body, file, { ...options, at }, context);
  const signature = header === undefined ? undefined : (signatureFault(hook, request, context) ?? 'valid');
  const outcomes = judgePayload(request, definitionIn(hook));
  const isRefused = outcomes.some((one) => 'rejection' in one);
  if (isRefused || (signature ?? 'valid') !== 'valid') context.failed();
  if (json) return context.printJson({ signature: signature ?? null, outcomes: outcomes.map(outcomeView) });
  context.print(`signature  ${signature ?? 'not checked: give the headers that it came with'}`);
  if (outcomes.length === 0) context.print('outcome    no call');
  for (const outcome of outcomes) for (const line of linesOf(outcome)) context.print(line);
}

function requestOf(
  hook: HookRow,
  body: Buffer,
  file: string,
  { header = {}, contentType, query, at }: Options & { at: number },
  context: Context,
): HookRequest {
  const guessed = extname(file) === '.json' ? 'application/json' : FORM;
  const headers = { 'content-type': guessed, ...header, ...(contentType && { 'content-type': contentType }) };
  const address = addressOf(hook, context.settings().hooks.publicUrl ?? 'http://localhost');
  return { body, headers, url: query === undefined ? address : `${address}?${query}`, receivedAtMs: at };
}

function signatureFault(hook: HookRow, request: HookRequest, context: Context): string | undefined {
  const secrets = resolveSecrets(hook, context.settings().hooks.keys, request.receivedAtMs);
  return PROVIDERS[hook.provider]?.verify(request, secrets, definitionIn(hook));
}

function outcomeView(outcome: Outcome): object {
  if (!('event' in outcome)) return outcome;
  const { event, dropped, startsAtReceipt } = outcome;
  return { event, dropped, starts_at_receipt: startsAtReceipt };
}

function* linesOf(outcome: Outcome): Generator<string> {
  if ('skipped' in outcome) return yield `outcome    no call: ${outcome.skipped}`;
  if ('rejection' in outcome) {
    const { code, message } = outcome.rejection;
    return yield `outcome    a dead letter: ${message} (${code})`;
  }
  yield `outcome    a call${outcome.startsAtReceipt ? ', which starts when its first webhook comes' : ''}`;
  for (const [field, value] of Object.entries(outcome.event)) yield `  ${field.padEnd(17)} ${value}`;
  if (outcome.dropped.length > 0) yield `  left out          ${outcome.dropped.join(', ')}: not valid`;
}

function collectHeader(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.+)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Write 'Name: value'.");
  return { ...before, [name.toLowerCase()]: value! };
}

/** Unix ms. */
function parseTime(text: string): number {
  const ms = parseInstant(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Write a date-time with an offset, such as 2026-03-01T09:30:00Z.');
}
