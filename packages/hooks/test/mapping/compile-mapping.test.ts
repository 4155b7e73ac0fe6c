import { checkCallEvent } from '@calltally/contract';
import fc from 'fast-check';
import { test } from 'tap';
import { type CompiledMapping, compileMapping } from '../../src/mapping/compile-mapping.ts';
import { getterOfJson } from '../../src/mapping/json-getter.ts';
import { MAPPED_FIELDS, type Mapping } from '../../src/mapping/mapping.ts';

const compiled = (mapping: Mapping): CompiledMapping => {
  const result = compileMapping(mapping, getterOfJson);
  if ('fault' in result) throw new Error(result.fault);
  return result;
};

const SIMPLE = { call_id: 'id', started_at: 'at:ms', duration_seconds: 'seconds' };
const simple = (more: Mapping['fields'], values: Mapping['values'] = []) =>
  compiled({ fields: { ...SIMPLE, ...more }, values });
const RECORD = { id: 'c-1', at: '1772357400000', seconds: 84 };
const EVENT = { call_id: 'c-1', started_at: '2026-03-01T09:30:00Z', duration_seconds: 84 };

test("a PBX's record with local times, strings and empty values becomes an event", async (t) => {
  const mapping = compiled({
    fields: {
      call_id: 'cdr.uniqueid + cdr.sequence',
      user_id: 'cdr.accountcode',
      started_at: 'cdr.answer | cdr.start',
      ended_at: 'cdr.end',
      duration_seconds: 'cdr.billmsec:ms',
      agent_id: 'cdr.agent',
      direction: '=inbound',
      status: 'cdr.disposition',
      revision: 'cdr.version',
    },
    values: [
      { field: 'status', is: 'ANSWERED', means: 'completed' },
      { field: 'started_at', is: '0000-00-00 00:00:00', means: '' },
    ],
    timeZone: 'Europe/Berlin',
  });
  const cdr = {
    uniqueid: '1772357400.42',
    sequence: 7,
    accountcode: ' 4711 ',
    answer: '0000-00-00 00:00:00',
    start: '2026-03-01 10:30:00.25',
    end: '2026-03-01 10:31:24',
    billmsec: '83750',
    agent: '',
    disposition: 'ANSWERED',
    version: '3',
    callerid: 'not in the event',
  };
  const { event } = mapping.read({ cdr });
  t.strictSame(event, {
    call_id: '1772357400.42|7',
    user_id: '4711',
    started_at: '2026-03-01T09:30:00.25Z',
    ended_at: '2026-03-01T09:31:24Z',
    duration_seconds: 83.75,
    direction: 'inbound',
    status: 'completed',
    revision: 3,
  });
  t.hasProp(checkCallEvent(event, Date.now()), 'call');
  t.match(mapping.read({ cdr: { ...cdr, disposition: 'NO ANSWER' } }).event, { status: 'NO ANSWER' });
});

test('a joined id is the same for the same values only', async (t) => {
  const { read } = simple({ call_id: 'a + b' });
  const grown = (texts: string[]) => texts.flatMap((text) => ['|', '\\', 'x'].map((last) => text + last));
  const [one, two] = [grown(['']), grown(grown(['']))];
  const parts = ['', ...one, ...two, ...grown(two)];
  const pairs = parts.flatMap((a) => parts.map((b) => ({ a, b }))).slice(1);
  const ids = new Set(pairs.map((pair) => read({ ...RECORD, ...pair }).event?.call_id));
  t.equal(ids.size, pairs.length);
  t.match(read({ ...RECORD, a: '', b: null }), { rejection: { code: 'FIELD_MISSING' } });
});

test('a call that is taken back needs its id and its revision alone', async (t) => {
  const { read } = simple({ deleted: 'gone', revision: 'rev' }, [
    { field: 'deleted', is: 'Y', means: 'true' },
  ]);
  t.strictSame(read({ id: 'c-1', gone: 'Y', rev: 2, at: 'never' }), {
    event: { call_id: 'c-1', revision: 2, deleted: true },
  });
  t.strictSame(read({ ...RECORD, gone: 0 }).event, { ...EVENT, deleted: false });
});

test('what is missing or cannot be read is a rejection with field, value, path and remedy', async (t) => {
  const mapping = simple({ revision: 'rev', user_id: 'user', agent_id: 'agent' });
  const whole = { ...RECORD, user: 'u-1' };
  const rejects = (record: object, code: string, field: string, message: RegExp) =>
    t.match(mapping.read({ ...whole, ...record }), { rejection: { code, field, message } });
  rejects({ id: null }, 'FIELD_MISSING', 'call_id', /"id"/);
  rejects({ user: '  ' }, 'FIELD_MISSING', 'user_id', /"user"/);
  rejects({ user: { name: 1 } }, 'FIELD_INVALID', 'user_id', /an object at "user"; it must be/);
  rejects({ user: 1.5 }, 'FIELD_INVALID', 'user_id', /is 1.5/);
  rejects({ agent: 'a\u0000' }, 'FIELD_INVALID', 'agent_id', /at "agent"/);
  rejects({ at: undefined }, 'FIELD_MISSING', 'started_at', /"at"/);
  rejects({ at: '2026-03-01' }, 'STARTED_AT_INVALID', 'started_at', /"2026-03-01" at "at"; .*milliseconds/);
  rejects({ seconds: '' }, 'DURATION_MISSING', 'duration_seconds', /ended_at/);
  rejects({ seconds: '84,25' }, 'DURATION_INVALID', 'duration_seconds', /"84,25" at "seconds"/);
  rejects({ rev: '1.5' }, 'FIELD_INVALID', 'revision', /whole number/);
  t.match(mapping.read([whole]), { rejection: { code: 'EVENT_NOT_OBJECT' } });
  const byEnd = compiled({ fields: { call_id: 'id', started_at: 'at:ms', ended_at: 'end' } });
  t.match(byEnd.read({ ...RECORD, end: 'x' }), { rejection: { code: 'ENDED_AT_INVALID' } });
});

test('a label and, beside a duration, an end that cannot be read are left out', async (t) => {
  const { read } = simple({ ended_at: 'end', direction: 'dir', status: 'cause' });
  t.strictSame(read({ ...RECORD, end: 'unknown', dir: { x: 1 }, cause: 'x'.repeat(65) }), { event: EVENT });
  t.strictSame(read({ ...RECORD, dir: true, cause: 16 }).event, {
    ...EVENT,
    direction: 'true',
    status: '16',
  });
});

test('any record gives a rejection, or strings and numbers where the contract has them', async () => {
  const all = Object.fromEntries(MAPPED_FIELDS.map((field) => [field, field]));
  const { read } = compiled({ fields: all, timeZone: 'America/St_Johns' });
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('2026-03-01 09:30:00', 'true', '1', '1:02:03', '__proto__', '\ud800'),
  );
  const value = fc.oneof(text, fc.jsonValue(), fc.double());
  const fields = fc.record(Object.fromEntries(MAPPED_FIELDS.map((field) => [field, value])), {
    requiredKeys: [],
  });
  fc.assert(
    fc.property(fc.oneof(fields, fc.anything()), (record) => {
      const { event, rejection } = read(record);
      if (event === undefined) return rejection.message.length < 500;
      return Object.entries(event).every(([field, given]) => {
        if (field === 'duration_seconds' || field === 'revision') return (given as number) >= 0;
        return typeof given === (field === 'deleted' ? 'boolean' : 'string');
      });
    }),
    { numRuns: 300 },
  );
});

test('a mapping that cannot be used says why', async (t) => {
  const refuses = (mapping: object, why: RegExp) =>
    t.match(compileMapping(mapping as Mapping, getterOfJson), { fault: why });
  refuses({ fields: { started_at: 'a', duration_seconds: 'b' } }, /^call_id is not mapped/);
  refuses({ fields: { call_id: 'a', started_at: 'b' } }, /duration_seconds nor ended_at/);
  refuses({ fields: { ...SIMPLE, caller: 'x' } }, /"caller" is no field/);
  refuses({ fields: SIMPLE, timeZone: 'Berlin' }, /no time zone/);
  refuses({ fields: { ...SIMPLE, started_at: 'at:sec' } }, /unknown unit "sec"; write one of text, s,/);
  refuses({ fields: { ...SIMPLE, user_id: 'a + b' } }, /only call_id can/);
  refuses({ fields: { ...SIMPLE, call_id: 'a + b | c' } }, /use one/);
  refuses({ fields: { ...SIMPLE, call_id: 'a..b' } }, /"a..b", for call_id, is no path/);
  refuses({ fields: { ...SIMPLE, call_id: 'a + ' } }, /names nothing/);
  refuses({ fields: { ...SIMPLE, user_id: '= ' } }, /user_id is " "; it must be/);
  refuses({ fields: SIMPLE, values: [{ field: 'status', is: 'a', means: 'b' }] }, /map it, too/);
});

test('a constant start, and a name with a colon before its unit, are allowed', async (t) => {
  const { read } = simple({
    started_at: '=2026-03-01T09:30:00Z',
    duration_seconds: 'Duration (mm:ss):clock',
  });
  t.same(read({ id: 'c-1', 'Duration (mm:ss)': '1:24' }).event, EVENT);
});
