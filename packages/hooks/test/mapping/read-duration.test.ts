import { millisecondsOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { type DurationUnit, readDuration } from '../../src/mapping/read-duration.ts';

const ms = (value: unknown, unit?: DurationUnit) => {
  const { seconds } = readDuration(value, unit);
  return seconds === undefined ? undefined : millisecondsOf(seconds);
};

/** 84250 as 84.250 */
const inSeconds = (count: number) => `${Math.floor(count / 1_000)}.${String(count % 1_000).padStart(3, '0')}`;

test('a duration keeps its milliseconds in every unit', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 604_800_000 }), (count) => {
      const h = Math.floor(count / 3_600_000);
      const min = Math.floor(count / 60_000) % 60;
      const clock = `${h}:${String(min).padStart(2, '0')}:${inSeconds(count % 60_000).padStart(6, '0')}`;
      return [
        ms(inSeconds(count)),
        ms(Number(inSeconds(count)), 's'),
        ms(count, 'ms'),
        ms(String(count), 'ms'),
        ms(`${count}000`, 'us'),
        ms(`${count}000000`, 'ns'),
        ms(clock),
        ms(clock, 'clock'),
      ].every((read) => read === count);
    }),
  );
});

test('halves of a millisecond are rounded up, by their decimal digits', async (t) => {
  t.equal(ms('1.0005'), 1_001);
  t.equal(ms(1.0005), 1_001);
  t.equal(ms('1000499999', 'ns'), 1_000);
  t.equal(ms('1000500000', 'ns'), 1_001);
  t.equal(ms(0.0000001), 0);
  t.equal(ms('1.4', 'min'), 84_000);
  t.equal(ms('0.0234', 'h'), 84_240);
});

test('minutes and seconds alone need their unit', async (t) => {
  t.equal(ms('01:24', 'clock'), 84_000);
  t.equal(ms('90:00', 'clock'), 5_400_000);
  t.match(readDuration('01:24', undefined).fault, /:clock/);
});

test('what is no duration is refused, and the remedy is said', async (t) => {
  for (const value of ['84,25', '84s', '1:60:00', '1:24:60', '1e3', 'PT84S', {}, true, '9'.repeat(100_000)]) {
    t.match(readDuration(value, undefined).fault, /number of seconds/, String(value).slice(0, 20));
  }
  t.match(readDuration('-1', undefined).fault, /negative/);
  t.match(readDuration('1:24:00', 'ms').fault, /milliseconds/);
});
