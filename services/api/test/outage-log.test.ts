import { CountersError } from '@calltally/counters';
import { OutageLog } from '@calltally/http';
import { StoreError } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';

test('each reason of an outage is logged once, without an address, and its end once', (t) => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = new OutageLog(
    createLogger({ service: 'api', level: 'info', destination }),
    'Redis',
    'answers come from Mongo',
  );
  const said = () => lines.splice(0).map((line) => JSON.parse(line));
  const refused = new CountersError('COUNTERS_LOST', 'Redis cannot be reached: 10.1.2.3:6379 refused');
  const expired = new CountersError('COUNTERS_TLS', "Redis's certificate has expired; renew it there");

  log.back();
  t.same(said(), [], 'nothing was away');
  for (let attempts = 0; attempts < 5; attempts++) log.away(refused);
  log.away(expired);
  log.away(refused);
  const masked = 'Redis is away: Redis cannot be reached: *** refused; answers come from Mongo';
  t.match(said(), [
    { level: 'warn', code: 'COUNTERS_LOST', msg: masked },
    { level: 'warn', code: 'COUNTERS_TLS', msg: /^Redis is away: Redis's certificate has expired; / },
  ]);
  log.back();
  log.back();
  t.match(said(), [{ level: 'info', msg: 'Redis is back' }]);

  log.away(refused);
  log.back();
  t.same(said(), [], 'one that comes and goes does not fill the log');
  log.away(new StoreError('STORE_CREDENTIALS', false, new Error('no such user at 10.1.2.3:1')));
  t.match(said(), [{ code: 'STORE_CREDENTIALS', msg: /MONGODB_URI/ }]);
  t.end();
});
