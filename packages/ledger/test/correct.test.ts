import { type Call, type CallVersion, isDeleted } from '@calltally/domain';
import {
  type CallContent,
  type CallRow,
  type CorrectionRow,
  contentOf,
  type Source,
  sameSource,
  toRow,
} from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { judge, needsOf } from '../src/index.ts';

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 2, 28, 12);

interface Event {
  call: CallVersion;
  source: Source;
}

/** What Mongo has of one call, as `recordRows` writes it. */
class History {
  row: CallRow | undefined;
  readonly corrections: CorrectionRow[] = [];

  record({ call, source }: Event): string {
    const event = toRow(call, source);
    if (this.row === undefined) {
      this.row = event;
      return 'inserted';
    }
    const { outcome, correction } = judge(this, event);
    if (outcome === 'correction') this.corrections.push(correction);
    return outcome;
  }

  /** Signed sums of one call, by day and duration. What adds up to nothing is left out. */
  sums(counts: (source: Source) => boolean = () => true): [string, number][] {
    const sums = new Map<string, number>();
    const add = (sign: 1 | -1, content: CallContent | undefined) => {
      if (content === undefined) return;
      const key = `${content.day} ${content.duration_ms} ${content.status}`;
      sums.set(key, (sums.get(key) ?? 0) + sign);
    };
    if (this.row !== undefined && counts(this.row.source)) add(1, contentOf(this.row));
    for (const correction of this.corrections) {
      const all = [correction.source, ...needsOf(this, correction)];
      if (!all.every(counts)) continue;
      add(1, correction.plus);
      add(-1, correction.minus);
    }
    return [...sums].filter(([, sum]) => sum !== 0);
  }
}

const someEvents = fc
  .array(
    fc.record({
      revision: fc.nat(5),
      deleted: fc.boolean(),
      day: fc.nat(3),
      durationMs: fc.nat(9),
      status: fc.constantFrom('completed', 'failed'),
      partition: fc.nat(2),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((given) => {
    const next = [0, 0, 0];
    return given.map(({ revision, deleted, day, partition, ...rest }): Event => {
      const id = { callId: 'c', userId: 'u' };
      const call: CallVersion =
        deleted && revision > 0
          ? { ...id, revision, deleted }
          : { ...id, ...rest, startedAt: NOON + day * DAY_MS, ...(revision > 0 && { revision }) };
      return { call, source: { stream: 0, partition, offset: next[partition]!++ } };
    });
  });

const revisionOf = ({ call }: Event) => call.revision ?? 0;

function contentIn(call: CallVersion): [string, number][] {
  if (isDeleted(call)) return [];
  const { startedAt, durationMs, status } = call as Call;
  return [[`${Math.floor(startedAt / DAY_MS)} ${durationMs} ${status}`, 1]];
}

/** The highest revision; of equal ones the first. */
function winnerOf(events: readonly Event[]): CallVersion {
  return events.reduce((best, event) => (revisionOf(event) > revisionOf(best) ? event : best)).call;
}

/** Any order in which partitions may be read: each keeps its own. */
const inSomeOrder = fc
  .tuple(someEvents, fc.array(fc.nat(99), { minLength: 8, maxLength: 8 }))
  .map(([events, chances]) => {
    const logs = [0, 1, 2].map((partition) => events.filter(({ source }) => source.partition === partition));
    return chances.concat([0, 0]).flatMap((chance) => {
      const open = logs.filter(({ length }) => length > 0);
      return open.length === 0 ? [] : [open[chance % open.length]!.shift()!];
    });
  });

test('in whatever order revisions arrive, and however often, the highest one counts', async () => {
  fc.assert(
    fc.property(inSomeOrder, fc.array(fc.nat(7)), (events, again) => {
      const history = new History();
      for (const event of events) {
        history.record(event);
        for (const i of again) if (events.indexOf(event) >= i) history.record(events[i % events.length]!);
      }
      // What came again early was first then.
      const arrived = [history.row!.source, ...history.corrections.map(({ source }) => source)];
      const counted = events.find(({ source }) => sameSource(source, arrived.at(-1)!))!;
      const highest = Math.max(...events.map(revisionOf));
      return (
        revisionOf(counted) === highest &&
        JSON.stringify(history.sums()) === JSON.stringify(contentIn(counted.call)) &&
        history.corrections.every(({ revision }, i, all) => i === 0 || revision > all[i - 1]!.revision)
      );
    }),
    { numRuns: 20_000 },
  );
});

test('the sums are those of the winner, after each event', async () => {
  fc.assert(
    fc.property(inSomeOrder, (events) => {
      const history = new History();
      return events.every((event, i) => {
        history.record(event);
        const winner = winnerOf(events.slice(0, i + 1));
        return JSON.stringify(history.sums()) === JSON.stringify(contentIn(winner));
      });
    }),
    { numRuns: 20_000 },
  );
});

test('at any cut a call counts as one of its events there says, or not at all', async () => {
  const cut = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9));
  let halves = 0;
  fc.assert(
    fc.property(inSomeOrder, cut, (events, offsets) => {
      const history = new History();
      for (const event of events) history.record(event);
      const counts = ({ partition, offset }: Source) => offset < offsets[partition]!;
      const sums = history.sums(counts);
      const inside = events.filter(({ source }) => counts(source));
      if (inside.length > 0 && inside.length < events.length) halves += 1;
      return (
        sums.length === 0 ||
        inside.some(({ call }) => JSON.stringify(contentIn(call)) === JSON.stringify(sums))
      );
    }),
    { numRuns: 20_000 },
  );
  if (halves < 1_000) throw new Error('cuts hardly ever fall between events');
});

test('an event that comes again finds what it brought, and changes nothing', async () => {
  fc.assert(
    fc.property(inSomeOrder, (events) => {
      const history = new History();
      const first = events.map((event) => history.record(event));
      const before = JSON.stringify(history);
      const again = events.map((event) => history.record(event));
      const isSame = again.every((outcome, i) => {
        if (first[i] === 'inserted' || first[i] === 'correction') return outcome === 'redelivered';
        return outcome === 'duplicate' || outcome === 'changed' || outcome === 'outdated';
      });
      return isSame && JSON.stringify(history) === before;
    }),
    { numRuns: 5_000 },
  );
});

test('a row or a correction that Mongo lost comes back by the event that brought it, and by no other', async () => {
  fc.assert(
    fc.property(inSomeOrder, fc.nat(9), (events, which) => {
      const history = new History();
      for (const event of events) history.record(event);
      const { corrections } = history;
      if (corrections.length === 0) return true;
      const lost = which % corrections.length;
      const gone = corrections[lost]!;
      const left = {
        row: history.row,
        corrections: corrections.map((one, i) => (i === lost ? undefined : one)),
      };
      if (lost === corrections.length - 1) left.corrections.pop();
      return events.every((event) => {
        const { outcome, correction } = judge(left, toRow(event.call, event.source));
        if (sameSource(event.source, gone.source)) return JSON.stringify(correction) === JSON.stringify(gone);
        // The last one is gone for good if its event is: the next best takes its place.
        return outcome !== 'correction' || lost === corrections.length - 1;
      });
    }),
    { numRuns: 5_000 },
  );
});
