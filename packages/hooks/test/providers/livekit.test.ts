import { test } from 'tap';
import { callOf, eventOf, expected, payload, read } from '../reading.ts';

const FROM_ATTRIBUTES = { user: { from: '/participant/attributes/calltally.user_id' } };
const example = (name: string) => JSON.parse(payload(`livekit-${name}.json`));

const job = (state: object, fields: object = {}) => {
  const event = example('agent-job-ended');
  Object.assign(event.job, fields);
  Object.assign(event.job.state, state);
  return event;
};
const left = (participant: object, fields: object = {}) => {
  const event = { ...example('participant-left'), ...fields };
  Object.assign(event.participant, participant);
  return event;
};
const finished = (room: object, fields: object = {}) => {
  const event = { ...example('room-finished'), ...fields };
  Object.assign(event.room, room);
  return event;
};
const LEFT = { events: ['participant_left'] };
const FINISHED = { events: ['room_finished'] };

test('the end of a job, a participant or a room is a call', async (t) => {
  const event = eventOf('livekit', example('agent-job-ended'), { user: { from: 'job.metadata.user_id' } });
  t.same(event, expected('livekit-agent-job-ended.json'));
  t.equal(callOf(event).durationMs, 84_250);
  const participant = eventOf('livekit', example('participant-left'), { ...LEFT, ...FROM_ATTRIBUTES });
  t.same(participant, expected('livekit-participant-left.json'));
  t.equal(callOf(participant).durationMs, 83_250);
  const room = eventOf('livekit', example('room-finished'), {
    ...FINISHED,
    user: { from: 'room.metadata.user_id' },
  });
  t.same(room, expected('livekit-room-finished.json'));
  t.equal(callOf(room).agentId, 'front-desk');
});

test('a hook takes the event that it has chosen, and no other one', async (t) => {
  const names = ['agent-job-ended', 'participant-left', 'room-finished', 'egress-ended'];
  for (const [taken, definition] of [{}, LEFT, FINISHED].entries()) {
    for (const [i, name] of names.entries()) {
      const [reading] = read('livekit', example(name), definition);
      t.equal('event' in reading!, i === taken, `${name}: ${JSON.stringify(reading)}`);
    }
  }
  t.equal(expected('livekit-egress-ended.json'), null);
  for (const event of ['participant_connection_aborted', 'room_started', 'toString', '', undefined, 1])
    t.match(read('livekit', { ...example('room-finished'), event }), [{ skipped: String }]);
});

test('a participant who never joined, or who is no caller, is no call', async (t) => {
  t.match(read('livekit', example('participant-left-no-join'), LEFT), [{ skipped: /never joined/ }]);
  t.equal(expected('livekit-participant-left-no-join.json'), null);
  for (const none of ['0', 0, '', null])
    t.match(read('livekit', left({ joinedAt: none, joinedAtMs: none }), LEFT), [{ skipped: String }]);
  for (const kind of ['AGENT', 'EGRESS', 'INGRESS', 1, 2, 4, '4'])
    t.match(read('livekit', left({ kind }), LEFT), [{ skipped: /is no caller/ }], String(kind));
  t.match(read('livekit', left({ disconnectReason: 'MIGRATION' }), LEFT), [{ skipped: /moved/ }]);
});

test('a direction is the one of the hook, else the likely one', async (t) => {
  const direction = (kind: unknown, definition = {}) =>
    eventOf('livekit', left({ kind }), { ...LEFT, ...definition })?.direction;
  for (const kind of ['SIP', 3]) t.equal(direction(kind), 'inbound');
  for (const kind of ['STANDARD', undefined, 0]) t.equal(direction(kind), 'web');
  for (const kind of ['CONNECTOR', 'BRIDGE', 7, 'toString']) {
    t.notOk('direction' in eventOf('livekit', left({ kind }), LEFT)!, String(kind));
  }
  t.equal(direction('SIP', { direction: 'outbound' }), 'outbound');
  t.equal(eventOf('livekit', finished({}), { ...FINISHED, direction: 'inbound' })?.direction, 'inbound');
  t.equal(eventOf('livekit', job({}), { direction: 'inbound' })?.direction, 'inbound');
});

test('statuses and reasons have a meaning, by name and by number; a new one is kept as it came', async (t) => {
  const statuses = [undefined, undefined, 'completed', 'failed', undefined];
  const names = ['JS_PENDING', 'JS_RUNNING', 'JS_SUCCESS', 'JS_FAILED', undefined];
  for (const [i, status] of statuses.entries()) {
    t.equal(eventOf('livekit', job({ status: i }))?.status, status, String(i));
    t.equal(eventOf('livekit', job({ status: names[i] }))?.status, status, String(names[i]));
  }
  const reasons: [name: string, status: string | undefined][] = [
    ['UNKNOWN_REASON', undefined],
    ['CLIENT_INITIATED', 'completed'],
    ['DUPLICATE_IDENTITY', 'completed'],
    ['SERVER_SHUTDOWN', 'failed'],
    ['PARTICIPANT_REMOVED', 'completed'],
    ['ROOM_DELETED', 'completed'],
    ['STATE_MISMATCH', 'failed'],
    ['JOIN_FAILURE', 'failed'],
    ['MIGRATION', 'skipped'],
    ['SIGNAL_CLOSE', 'failed'],
    ['ROOM_CLOSED', 'completed'],
    ['USER_UNAVAILABLE', 'no_answer'],
    ['USER_REJECTED', 'busy'],
    ['SIP_TRUNK_FAILURE', 'failed'],
    ['CONNECTION_TIMEOUT', 'failed'],
    ['MEDIA_FAILURE', 'failed'],
    ['AGENT_ERROR', 'failed'],
  ];
  for (const [i, [name, status]] of reasons.entries()) {
    for (const disconnectReason of [name, i, String(i)]) {
      const event = eventOf('livekit', left({ disconnectReason }), LEFT);
      t.equal(event ? callOf(event).status : 'skipped', status, String(disconnectReason));
    }
  }
  t.equal(eventOf('livekit', left({ disconnectReason: 'NEW_ONE' }), LEFT)?.status, 'NEW_ONE');
  t.equal(eventOf('livekit', left({ disconnectReason: 99 }), LEFT)?.status, undefined);
});

test('zeros are absent, int64 are strings or numbers, names are those of protojson or of the .proto file', async (t) => {
  const numbers = payload('livekit-agent-job-ended.json').replace(/"(\d{19})"/g, '$1');
  t.not(numbers, payload('livekit-agent-job-ended.json'));
  const definition = { user: { from: 'job.metadata.user_id' } };
  t.same(
    eventOf('livekit', numbers, definition),
    expected('livekit-agent-job-ended.json'),
    'to the millisecond',
  );

  const snake = (name: string) =>
    payload(name).replace(
      /"(\w+)":/g,
      (_, key: string) => `"${key.replace(/[A-Z]/g, (x) => `_${x.toLowerCase()}`)}":`,
    );
  for (const [name, more] of [
    ['livekit-agent-job-ended.json', definition],
    ['livekit-room-finished.json', { ...FINISHED, user: { from: 'room.metadata.user_id' } }],
    ['livekit-participant-left.json', LEFT],
  ] as const) {
    t.match(snake(name), /created_at/);
    t.same(eventOf('livekit', snake(name), more), expected(name), name);
  }

  const withoutMs = { joinedAtMs: undefined };
  t.match(eventOf('livekit', left(withoutMs), LEFT), { started_at: '2026-03-01T09:30:00Z' });
  t.match(eventOf('livekit', finished({ creationTimeMs: undefined }), FINISHED), {
    started_at: '2026-03-01T09:30:00Z',
  });
  t.match(eventOf('livekit', finished({ creationTime: undefined }), FINISHED), {
    started_at: '2026-03-01T09:30:00.120Z',
  });
});

test('a job that never ran has no duration', async (t) => {
  const at = '1772357484750000000';
  for (const startedAt of [at, undefined, '0', 0]) {
    const event = eventOf('livekit', job({ startedAt, endedAt: at }));
    t.equal(event?.started_at, '2026-03-01T09:31:24.750Z');
    t.equal(callOf(event).durationMs, 0);
  }
  t.match(
    eventOf('livekit', job({ endedAt: undefined })),
    { ended_at: '2026-03-01T09:31:25Z' },
    'the webhook itself has a time',
  );
});

test('an end in whole seconds does not lie before its start', async (t) => {
  for (const event of [
    eventOf('livekit', left({}, { createdAt: '1772357400' }), LEFT),
    eventOf('livekit', finished({}, { createdAt: '1772357400' }), FINISHED),
  ]) {
    t.equal(event?.ended_at, event?.started_at);
    t.equal(callOf(event).durationMs, 0);
  }
  const earlier = eventOf('livekit', left({}, { createdAt: '1772357399' }), LEFT);
  t.throws(() => callOf(earlier), /before started_at/, 'a real contradiction is not mended');
});

test('what the call needs and is not there is named', async (t) => {
  const field = (body: unknown, definition = {}) => {
    const [reading] = read('livekit', body, definition);
    return reading && 'rejection' in reading ? reading.rejection.field : reading;
  };
  t.equal(field(job({}, { id: undefined })), 'job.id');
  t.equal(field(job({}, { id: ' AJ ' })), 'job.id');
  t.equal(field(left({ sid: '' }), LEFT), 'participant.sid');
  t.equal(field(finished({ sid: undefined }), FINISHED), 'room.sid');
  t.equal(field({ event: 'agent_job_ended' }), 'job.state.endedAt');
  t.equal(field(job({ startedAt: 'yesterday' })), 'job.state.startedAt');
  t.equal(field(left({ joinedAtMs: '-1' }), LEFT), 'participant.joinedAtMs');
  t.equal(field(finished({ creationTime: 0, creationTimeMs: 0 }), FINISHED), 'room.creationTime');
  t.equal(field(left({}, { createdAt: undefined }), LEFT), 'createdAt');
  const path = 'job.metadata.user_id';
  for (const metadata of [
    undefined,
    '',
    'u-42',
    '{}',
    '{"user_id":" "}',
    '{"user_id":4.5}',
    '{"user_id":{}}',
  ])
    t.equal(field(job({}, { metadata }), { user: { from: path } }), path, String(metadata));
  t.match(
    eventOf('livekit', job({}, { metadata: '{"user_id":12345678901234567890}' }), { user: { from: path } }),
    {
      user_id: '12345678901234567890',
    },
  );
});

test('an agent is left out if its name is no id', async (t) => {
  for (const agentName of ['', undefined, ' spaced ', 'x'.repeat(257), {}])
    t.notOk('agent_id' in eventOf('livekit', job({}, { agentName }))!);
  t.equal(eventOf('livekit', job({}, { agentName: 'Empfang «7»' }))?.agent_id, 'Empfang «7»');
  const metadata = '{"agent_id": 7}';
  t.equal(eventOf('livekit', finished({ metadata }), FINISHED)?.agent_id, '7');
});
