import { type CellFilter, DIMENSIONS, DIRECTIONS, type Dimension, STATUSES } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import {
  addressOfFilter,
  chosenDimensions,
  filterOfAddress,
  isChosen,
  isFull,
  queryOfFilter,
  toggled,
  without,
} from '../src/filters.ts';
import { addressOfView, viewOfAddress } from '../src/view.ts';
import { choiceAt } from './arbitraries.ts';

const agent = fc.constantFrom('', 'ada', 'a&b=c', '100 %', 'אדה', '🤖', '+1 555', '#7', 'No agent');
const press = fc.oneof(
  fc.record({ dimension: fc.constant<Dimension>('agent'), value: agent }),
  fc.record({
    dimension: fc.constant<Dimension>('direction'),
    value: fc.constantFrom('', ...DIRECTIONS, 'x y'),
  }),
  fc.record({
    dimension: fc.constant<Dimension>('status'),
    value: fc.constantFrom('', ...STATUSES, 'Ended!'),
  }),
);
const timeZone = fc.constantFrom('UTC', 'Europe/Berlin', 'Etc/GMT+1', 'a&b=c', 'Mars');
/** Whatever can be chosen on the page. */
const filter = fc
  .array(press, { maxLength: 12 })
  .map((presses) =>
    presses.reduce<CellFilter>((chosen, { dimension, value }) => toggled(chosen, dimension, value), {}),
  );

test('an address keeps a range, a time zone and filters, whatever their characters', async () => {
  fc.assert(
    fc.property(choiceAt, filter, timeZone, fc.boolean(), ({ choice }, filter, timeZone, isByHour) => {
      const address = addressOfView({ choice, filter, timeZone, isByHour });
      const kept = viewOfAddress(new URL(address, 'http://localhost/').search);
      return (
        addressOfView(kept) === address &&
        kept.timeZone === timeZone &&
        kept.isByHour === isByHour &&
        JSON.stringify(sorted(kept.filter)) === JSON.stringify(sorted(filter))
      );
    }),
  );
});

test('the API is asked for the same values', async (t) => {
  fc.assert(
    fc.property(filter, (filter) => {
      const { agent_id = [], direction = [], status = [] } = queryOfFilter(filter);
      const asked = { agent: agent_id, direction, status };
      return DIMENSIONS.every((dimension) => {
        const values = filter[dimension] ?? [];
        return (
          asked[dimension].length === values.length &&
          values.every((value) => asked[dimension].includes(value))
        );
      });
    }),
  );
  t.same(queryOfFilter({}), {}, 'an absent filter is no parameter');
  t.same(queryOfFilter({ agent: ['', 'ada'] }), { agent_id: ['', 'ada'] });
});

test('a value that is pressed is chosen, and pressed again it is not', async () => {
  fc.assert(
    fc.property(filter, press, (filter, { dimension, value }) => {
      const once = toggled(filter, dimension, value);
      const twice = toggled(once, dimension, value);
      return (
        isChosen(once, dimension, value) !== isChosen(filter, dimension, value) &&
        JSON.stringify(sorted(twice)) === JSON.stringify(sorted(filter)) &&
        // A dimension without a chosen value filters nothing.
        chosenDimensions(once).every((one) => (once[one]?.length ?? 0) > 0)
      );
    }),
  );
});

test('a dimension is left with all its values', async (t) => {
  t.same(without({ agent: ['ada', ''], status: ['busy'] }, 'agent'), { status: ['busy'] });
  t.same(addressOfFilter(without({ status: ['busy'] }, 'status')), '');
});

test('an address by hand is read as the API reads it', async (t) => {
  t.same(
    filterOfAddress('?agent=ada&agent=&agent=ada&direction=outgoing&status=no-answer&status=No_Answer'),
    {
      agent: ['ada', ''],
      direction: ['outbound'],
      status: ['no_answer'],
    },
  );
  t.same(
    filterOfAddress('?agent=%20ada&agent=a%00b&status=%07&range=7d'),
    {},
    'what no call can have is left out',
  );
});

test('no more values are chosen than the API takes', async (t) => {
  const agents = Array.from({ length: 120 }, (_, i) => `agent=a${i}`).join('&');
  const filter = filterOfAddress(`?${agents}&status=busy`);
  t.equal(filter.agent?.length, 100);
  t.equal(filter.status, undefined);
  t.equal(toggled(filter, 'status', 'busy'), filter);
  t.ok(isFull(filter));
  const less = toggled(filter, 'agent', 'a7');
  t.equal(less.agent?.length, 99, 'one can still be left');
  t.notOk(isFull(less));
  t.ok(isFull(toggled(less, 'status', 'busy')), 'values of all dimensions count');
});

function sorted(filter: CellFilter) {
  return DIMENSIONS.map((dimension) => [...(filter[dimension] ?? [])].sort());
}
