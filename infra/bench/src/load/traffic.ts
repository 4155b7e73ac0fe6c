import type { CallEvent } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { answer } from '../processes.ts';

/** What to send from now on. Absent fields keep their value. */
export interface TrafficRequest {
  /** Events a second. */
  perSecond?: number;
  /** Sends an earlier event again once in so many events; 0 (the default) never does. */
  againEvery?: number;
}

export interface TrafficReply {
  /** How many events were acknowledged so far. */
  acknowledged: number;
  /** How many calls each user has, by index: `traffic-0`, `traffic-1`, … */
  callsOf: number[];
}

const TICK_MS = 10;
const REMEMBERED = 1_000;

const [broker, topic, users] = process.argv.slice(2);
const calls = createCallEventProducer({ brokers: [broker!], topic: topic! });
const callsOf = new Array<number>(Number(users)).fill(0);
const remembered: CallEvent[] = [];
let perSecond = 0;
let againEvery = 0;
let made = 0;
let sent = 0;
let acknowledged = 0;
let due = 0;

answer((request: TrafficRequest): TrafficReply => {
  perSecond = request.perSecond ?? perSecond;
  againEvery = request.againEvery ?? againEvery;
  return { acknowledged, callsOf };
});

let lastMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  due += (perSecond * (nowMs - lastMs)) / 1_000;
  lastMs = nowMs;
  for (; due >= 1; due--) send();
}, TICK_MS);

function send(): void {
  sent += 1;
  const again = againEvery > 0 && sent % againEvery === 0;
  const event = (again && remembered[Math.floor(Math.random() * remembered.length)]) || nextCall();
  const refused = (thrown: unknown) => {
    console.error(thrown);
    process.exit(1);
  };
  calls.send(event).then(() => {
    acknowledged += 1;
  }, refused);
}

/** A new call. It counts as soon as it is created, because a call that is not acknowledged ends the run. */
function nextCall(): CallEvent {
  made += 1;
  const user = made % callsOf.length;
  callsOf[user]! += 1;
  const event = {
    call_id: `traffic-${process.pid}-${made}`,
    user_id: `traffic-${user}`,
    started_at: new Date().toISOString(),
    duration_seconds: 60,
  };
  remembered[made % REMEMBERED] = event;
  return event;
}
