import { checkDefinition, type HookDefinition } from '@calltally/hooks';
import { test } from 'tap';

const fault = (more: object) =>
  checkDefinition({ provider: 'livekit', user: { id: 'u-42' }, ...more } as HookDefinition);

test('what an operator says about a hook is checked, with a remedy', async (t) => {
  t.equal(fault({}), undefined);
  t.equal(
    fault({ user: { from: '/room/metadata/user_id' }, events: ['room_finished'], direction: 'inbound' }),
    undefined,
  );
  for (const provider of ['ring', 'toString', '__proto__', ''])
    t.match(fault({ provider }), /the provider is ".*"; it must be one of .*livekit, vapi, retell/);
  for (const id of ['', ' u', 'x'.repeat(257)])
    t.match(fault({ user: { id } }), /^the user is ".*must be a string/);
  for (const from of ['', 'a..b', '/~'])
    t.match(fault({ user: { from } }), /path of the user .*JSON Pointer/);
  for (const direction of ['', 'x'.repeat(65), 'a\nb']) t.match(fault({ direction }), /^the direction is/);
});

test('events that tell of the same calls are not taken together', async (t) => {
  for (const events of [['agent_job_ended'], ['participant_left'], ['room_finished']])
    t.equal(fault({ events }), undefined);
  t.equal(
    fault({ events: ['participant_left', 'room_finished'] }),
    'participant_left and room_finished tell of the same calls, which would count once for each; choose one',
  );
  t.match(fault({ provider: 'retell', events: ['call_ended', 'call_analyzed'] }), /choose one/);
  t.match(
    fault({ events: ['room_started'] }),
    /"room_started"; it must be one of agent_job_ended, participant_left/,
  );
  t.match(fault({ events: [] }), /no event is chosen/);
  t.match(fault({ provider: 'generic', events: ['hangup'] }), /one kind of event/);
});

test('how requests are authenticated can be chosen where the platform leaves it open', async (t) => {
  const auth = { scheme: 'hmac-sha256', header: 'x-signature' };
  t.equal(fault({ provider: 'vapi', auth }), undefined);
  t.match(fault({ provider: 'vapi', auth: { ...auth, header: 'x signature' } }), /name of a header/);
  t.match(fault({ provider: 'retell', auth }), /retell authenticates in one way only/);
  t.match(fault({ provider: 'retell', mapping: { fields: {} } }), /for generic hooks/);
  t.match(fault({ provider: 'vapi', when: { path: 'a', equals: 'b' } }), /for generic hooks/);
  t.match(fault({ provider: 'generic' }), /no mapping/);
});
