import { createCallEventProducer } from '@calltally/contract/producer';
import { answer } from '../child.ts';

/** How many events a second are to be sent from now on; the same as before where it does not say. */
export interface TrafficRequest {
  perSecond?: number;
}

/** How many events were acknowledged so far. */
export interface TrafficReply {
  acknowledged: number;
}

const USERS = 100;
const TICK_MS = 10;

const [broker, topic] = process.argv.slice(2);
const calls = createCallEventProducer({ brokers: [broker!], topic: topic! });
let perSecond = 0;
let sent = 0;
let acknowledged = 0;
let due = 0;

answer((request: TrafficRequest): TrafficReply => {
  perSecond = request.perSecond ?? perSecond;
  return { acknowledged };
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
  const event = {
    call_id: `traffic-${process.pid}-${sent}`,
    user_id: `traffic-${sent % USERS}`,
    started_at: new Date().toISOString(),
    duration_seconds: 60,
  };
  const refused = (thrown: unknown) => {
    console.error(thrown);
    process.exit(1);
  };
  calls.send(event).then(() => {
    acknowledged += 1;
  }, refused);
}
