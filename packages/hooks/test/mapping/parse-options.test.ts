import { test } from 'tap';
import { parseMappingOptions } from '../../src/mapping/parse-options.ts';

test('options of a command line become a mapping', async (t) => {
  t.strictSame(
    parseMappingOptions({
      map: ['call_id=uuid', 'started_at=start epoch:s', 'direction==inbound'],
      value: ['status:ANSWERED=completed', 'status:a=b:c=no_answer', 'started_at:0='],
      timeZone: 'Europe/Berlin',
    }),
    {
      mapping: {
        fields: { call_id: 'uuid', started_at: 'start epoch:s', direction: '=inbound' },
        values: [
          { field: 'status', is: 'ANSWERED', means: 'completed' },
          { field: 'status', is: 'a=b:c', means: 'no_answer' },
          { field: 'started_at', is: '0', means: '' },
        ],
        timeZone: 'Europe/Berlin',
      },
    },
  );
});

test('an option that cannot be read is named', async (t) => {
  t.match(parseMappingOptions({ map: ['uuid'] }).fault, /--map uuid must be FIELD=PATH/);
  t.match(parseMappingOptions({ map: ['caller=x'] }).fault, /with a FIELD of call_id, user_id/);
  t.match(parseMappingOptions({ map: ['call_id='] }).fault, /FIELD=PATH/);
  t.match(parseMappingOptions({ map: ['call_id=a', 'call_id=b'] }).fault, /twice/);
  t.match(parseMappingOptions({ value: ['status=ANSWERED'] }).fault, /--value status=ANSWERED must be/);
});
