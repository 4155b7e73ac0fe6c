import { DIRECTIONS, LABEL_PATTERN, readDirection, readStatus, STATUSES } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

test('the known directions and statuses are the agreed ones', async (t) => {
  t.same(DIRECTIONS, ['inbound', 'outbound', 'web']);
  t.same(STATUSES, ['completed', 'failed', 'busy', 'no_answer', 'canceled', 'voicemail']);
});

test('spellings of a known value are folded', async (t) => {
  const statuses: [kept: string, ...spellings: string[]][] = [
    ['completed', 'completed', 'Completed', 'COMPLETED', 'complete'],
    ['failed', 'failed', 'FAILED', 'fail'],
    ['busy', 'busy', 'Busy'],
    ['no_answer', 'no_answer', 'no-answer', 'noanswer', 'No Answer', 'NO_ANSWER', 'noAnswer', 'no  answer'],
    ['canceled', 'canceled', 'cancelled', 'Cancelled', 'CANCELED'],
    ['voicemail', 'voicemail', 'voice-mail', 'Voice Mail', 'voice_mail', 'voiceMail'],
  ];
  for (const [kept, ...spellings] of statuses)
    for (const one of spellings) t.equal(readStatus(one), kept, one);
  const directions: typeof statuses = [
    ['inbound', 'inbound', 'Inbound', 'in-bound', 'incoming', 'inboundPhoneCall'],
    ['outbound', 'outbound', 'OUTBOUND', 'outbound-api', 'outbound_api', 'outbound-dial', 'outbound_dial'],
    ['outbound', 'outgoing', 'outboundPhoneCall', 'Outbound API'],
    ['web', 'web', 'WEB', 'web_call', 'webCall'],
  ];
  for (const [kept, ...spellings] of directions) {
    for (const one of spellings) t.equal(readDirection(one), kept, one);
  }
});

test('an unknown value is kept unchanged', async (t) => {
  const values = [
    'transferred',
    'not_connected',
    'user_busy',
    'JS_SUCCESS',
    'toString',
    '__proto__',
    'trunking-terminating',
    ' Rückruf ',
    '転送',
    'a\u2028b',
    'x'.repeat(64),
    '💬'.repeat(64),
  ];
  for (const value of values) {
    t.equal(readStatus(value), value);
    t.equal(readDirection(value), value);
  }
});

test('what is not a label is not read', async (t) => {
  const values = [1, 0, true, {}, [], ['busy'], null, undefined, 'x'.repeat(65), '💬'.repeat(65)];
  for (const value of [...values, 'busy\n', 'a\u0085b', '\u007f', '\ud83d', `busy${' '.repeat(61)}`]) {
    t.equal(readStatus(value), undefined);
    t.equal(readDirection(value), undefined);
  }
});

test('reading is idempotent, and only labels are read', async () => {
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 70 }),
    fc.string({ unit: 'grapheme', maxLength: 70 }),
    fc.mixedCase(
      fc.constantFrom<string>(...STATUSES, ...DIRECTIONS, 'no answer', 'outbound-api', 'cancelled'),
    ),
  );
  const pattern = new RegExp(LABEL_PATTERN, 'u');
  fc.assert(
    fc.property(value, fc.constantFrom(readStatus, readDirection), (text, read) => {
      const kept = read(text);
      if (kept === undefined) return !pattern.test(text);
      return pattern.test(text) && read(kept) === kept;
    }),
    { numRuns: 5_000 },
  );
});
