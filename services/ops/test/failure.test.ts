import kafkajs from 'kafkajs';
import { test } from 'tap';
import { failureOf } from '../src/failure.ts';

test('a Kafka that refuses is told from one that is away, behind whatever gave up over it', (t) => {
  const gaveUp = (cause: Error) =>
    Object.assign(new Error(cause.message, { cause }), { name: 'KafkaJSNumberOfRetriesExceeded' });
  const refused = Object.assign(new Error('SASL PLAIN authentication failed'), {
    name: 'KafkaJSSASLAuthenticationError',
  });
  const forbidden = Object.assign(new kafkajs.KafkaJSProtocolError('not authorized'), {
    type: 'TOPIC_AUTHORIZATION_FAILED',
  });
  const away = new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED 127.0.0.1:1');
  for (const [thrown, code, message] of [
    [
      refused,
      'KAFKA_REFUSED',
      /^Kafka refused the login: SASL .*; see KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD$/,
    ],
    [forbidden, 'KAFKA_FORBIDDEN', /^Kafka does not let this user do that: not authorized; /],
    [away, 'KAFKA_UNAVAILABLE', /^Kafka did not answer: .*ECONNREFUSED.*KAFKA_BROKERS/],
  ] as const) {
    t.match(failureOf(thrown), { code, message });
    t.match(failureOf(gaveUp(thrown)), { code, message });
  }
  t.end();
});
