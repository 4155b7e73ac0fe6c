import { Writable } from 'node:stream';
import { test } from 'tap';
import { progressBar } from '../src/progress-bar.ts';

function sink(isTTY: boolean) {
  let text = '';
  const stream: Writable & { isTTY?: boolean } = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  stream.isTTY = isTTY;
  return { stream, text: () => text };
}

test('a terminal is shown users, rate and time left; anything else is shown nothing', (t) => {
  for (const isTTY of [true, false]) {
    const { stream, text } = sink(isTTY);
    const format = '{bar} {percentage}% | {users} users | {rate} rows/s | {eta_formatted} left';
    const bar = progressBar(stream, format, 100);
    bar.update(500, 1_000, { users: 42 });
    // More than was estimated.
    bar.update(2_000, 2_000, { users: 90 });
    bar.stop();
    if (isTTY) t.match(text(), /% \| \d+ users \| \d+ rows\/s \| .* left/);
    else t.equal(text(), '');
  }
  t.end();
});

test('a bar that was stopped stays stopped, so that the process can end', (t) => {
  const { stream, text } = sink(true);
  const bar = progressBar(stream, '{bar} {value}');
  bar.update(1, 2);
  bar.stop();
  const shown = text();
  bar.update(2, 2);
  t.equal(text(), shown);
  t.end();
});
