import fc from 'fast-check';
import { test } from 'tap';
import { minutesAndSeconds } from '../src/numbers.ts';

test('minutes and seconds', async (t) => {
  t.equal(minutesAndSeconds(0), '0 min 0 s');
  t.equal(minutesAndSeconds(3.8), '3 min 48 s');
  t.equal(minutesAndSeconds(59.995), '60 min 0 s', 'rounded before it is divided');
  t.equal(minutesAndSeconds(1_440), '1,440 min 0 s');
});

test('they are at most half a second off', async () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (minutes) => {
      const [min, s] = minutesAndSeconds(minutes).replaceAll(',', '').split(' min ');
      const seconds = Number(min) * 60 + Number.parseInt(s!, 10);
      return Math.abs(seconds - minutes * 60) <= 0.5 + 1e-6 && Number.parseInt(s!, 10) < 60;
    }),
  );
});
