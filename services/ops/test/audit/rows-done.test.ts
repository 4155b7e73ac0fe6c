import { test } from 'tap';
import { RowsDone } from '../../src/audit/rows-done.ts';

test('rows are told as they are added up, those of groups that end out of turn, too', (t) => {
  const rows = new RowsDone(1_000, { calls: 0, rows: 0, ahead: 0 });
  const [a, b] = [rows.begin(600), rows.begin(400)];
  a.add(100);
  b.add(50);
  t.match(rows, { done: 150, of: 1_000, closed: 0 });
  b.finish();
  t.match(rows, { done: 500, closed: 0 }, 'others have filled in the rest');
  a.add(700);
  t.match(rows, { done: 1_000 }, 'never more than there are');
  a.finish();
  a.close();
  b.close();
  t.match(rows, { done: 1_000, of: 1_000, closed: 1_000 });
  t.end();
});

test('rows of users who differ are added up twice, and that is no end before the end', (t) => {
  const rows = new RowsDone(1_000, { calls: 0, rows: 0, ahead: 0 });
  const group = rows.begin(1_000);
  group.add(1_000);
  group.again(300);
  t.match(rows, { done: 1_000, of: 1_300 });
  group.add(100);
  t.match(rows, { done: 1_100, of: 1_300 });
  group.finish();
  group.close();
  t.match(rows, { done: 1_300, of: 1_300, closed: 1_300 });
  t.end();
});

test('after a kill it never says less than before, though users that were begun are begun once more', (t) => {
  const rows = new RowsDone(1_000, { calls: 200, rows: 250, ahead: 300 });
  t.match(rows, { done: 550, of: 1_050, closed: 250 });
  const group = rows.begin(800);
  group.add(100);
  t.match(rows, { done: 550 });
  group.add(300);
  t.match(rows, { done: 650, of: 1_050 });
  group.finish();
  t.match(rows, { done: 1_050, of: 1_050 });
  t.end();
});

test('an estimate that was too low is not exceeded', (t) => {
  const rows = new RowsDone(10, { calls: 0, rows: 0, ahead: 0 });
  const group = rows.begin(40);
  group.add(30);
  t.match(rows, { done: 30, of: 30 });
  t.end();
});
