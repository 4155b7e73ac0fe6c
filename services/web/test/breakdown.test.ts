import type { Breakdown } from '@calltally/client';
import { test } from 'tap';
import { groupsOf, inOrder, isUnlabelled, nameOfValue } from '../src/breakdown.ts';

const figures = (calls: number) => ({
  calls,
  duration_ms: calls * 90_000,
  duration_minutes: calls * 1.5,
  avg_duration_minutes: 1.5,
  share_of_calls: 0,
});

function byAgent(
  calls: Record<string, number>,
  rest: [groups: number, calls: number] | null = null,
): Breakdown {
  return {
    by: ['agent'],
    groups: Object.entries(calls).map(([agent, count]) => ({ agent_id: agent || null, ...figures(count) })),
    rest: rest && { groups: rest[0], ...figures(rest[1]) },
    date_range: { start_date: '2026-11-01', end_date: '2026-11-24T12:00:00.000Z' },
  };
}

test('bars are as long as their calls, and shares are of all calls', async (t) => {
  const { groups, others } = groupsOf(byAgent({ ada: 600, '': 300, bob: 1 }, [12, 99]), 'agent', {
    agent: ['bob'],
  });
  t.same(
    groups.map(({ name, size, share, isChosen }) => [name, size, share, isChosen]),
    [
      ['ada', 1, '60 %', false],
      ['No agent', 0.5, '30 %', false],
      ['bob', 0.01, '0.1 %', true],
    ],
  );
  t.match(groups[0], { value: 'ada', calls: 600, minutes: 900, average: 1.5 });
  t.match(others, { name: '12 others', calls: 99, share: '9.9 %' });
});

test('a share never looks like nothing or everything if it is not', async (t) => {
  const shares = (...calls: number[]) => {
    const agents = Object.fromEntries(calls.map((count, i) => [`agent-${i}`, count]));
    return groupsOf(byAgent(agents), 'agent', {}).groups.map(({ share }) => share);
  };
  t.same(shares(1_000_000, 1), ['> 99.9 %', '< 0.1 %']);
  t.same(shares(997, 3), ['99.7 %', '0.3 %']);
  t.same(shares(9_995, 5), ['> 99.9 %', '0.1 %']);
  t.same(shares(3, 1), ['75 %', '25 %']);
  t.same(shares(7, 0), ['100 %', '0 %']);
});

test('what is chosen and has no calls can be left again', async (t) => {
  const chosen = { agent: ['ada', 'zoe', ''] };
  const { groups } = groupsOf(byAgent({ ada: 2 }), 'agent', chosen);
  t.same(
    groups.map(({ name, calls, isChosen }) => [name, calls, isChosen]),
    [
      ['ada', 2, true],
      ['zoe', 0, true],
      ['No agent', 0, true],
    ],
  );
  const more = groupsOf(byAgent({ ada: 2 }, [1, 1]), 'agent', chosen);
  t.equal(more.groups.length, 1, 'it may be among the others');
  t.equal(more.others?.name, '1 other (2 chosen)');
  t.same(groupsOf(byAgent({}), 'agent', {}), { groups: [], others: undefined });
});

test('values are named as people write them, but names are left alone', async (t) => {
  t.equal(nameOfValue('status', 'no_answer'), 'No answer');
  t.equal(nameOfValue('direction', 'web'), 'Web');
  t.equal(nameOfValue('status', 'customer-ended_call'), 'customer-ended_call');
  t.equal(nameOfValue('agent', 'busy'), 'busy');
  t.equal(nameOfValue('direction', ''), 'No direction');
});

test('calls without any label are told from calls with some', async (t) => {
  const isPlain = (calls: Record<string, number>, chosen: string[] = []) =>
    isUnlabelled(groupsOf(byAgent(calls), 'agent', { agent: chosen }));
  t.ok(isPlain({ '': 7 }));
  t.notOk(isPlain({ '': 7, ada: 1 }));
  t.notOk(isPlain({ ada: 7 }));
  t.notOk(isPlain({}));
  t.notOk(isPlain({ '': 7 }, ['']), 'what is chosen must be there to be left');
});

test('bars keep their places until there are others', async (t) => {
  const shown = (calls: Record<string, number>, order: string[]) =>
    inOrder(groupsOf(byAgent(calls), 'agent', {}).groups, order).map(
      ({ value, calls }) => `${value} ${calls}`,
    );
  t.same(shown({ bob: 3, ada: 2 }, ['ada', 'bob']), ['ada 2', 'bob 3']);
  t.same(shown({ bob: 3, ada: 2, zoe: 1 }, ['ada', 'bob']), ['bob 3', 'ada 2', 'zoe 1']);
  t.same(shown({ bob: 3, zoe: 1 }, ['ada', 'bob']), ['bob 3', 'zoe 1']);
  t.same(shown({ bob: 3 }, []), ['bob 3']);
});
