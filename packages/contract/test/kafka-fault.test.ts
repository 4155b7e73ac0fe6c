import { kafkaFault } from '@calltally/contract';
import { test } from 'tap';
import { TokenError } from '../src/token-source.ts';

const errorWith = (properties: object, cause?: unknown) =>
  Object.assign(new Error('said the broker', { cause }), properties);

test('a refused login is recognised, however it is wrapped', (t) => {
  const wrong = errorWith({ name: 'KafkaJSSASLAuthenticationError' });
  const refused = {
    code: 'KAFKA_REFUSED',
    message: /^Kafka refused the login: said the broker; see KAFKA_SASL_MECHANISM,/,
  };
  t.match(kafkaFault(wrong), refused);
  t.match(kafkaFault(errorWith({ type: 'UNSUPPORTED_SASL_MECHANISM' })), refused);
  t.match(kafkaFault(errorWith({ type: 'ILLEGAL_SASL_STATE' })), refused);
  t.match(kafkaFault(new Error('twice', { cause: errorWith({ message: 'once' }, wrong) })), refused);
  t.match(kafkaFault(new TokenError('no token')), {
    code: 'KAFKA_REFUSED',
    message: /^no token; see KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL,/,
  });
  t.end();
});

test('a closed connection says what may be expected there, unless its cause says more', (t) => {
  const closed = (cause?: unknown) => errorWith({ name: 'KafkaJSConnectionClosedError' }, cause);
  t.match(kafkaFault(closed()), { code: 'KAFKA_UNAVAILABLE', message: /KAFKA_SSL.*KAFKA_SASL_MECHANISM/ });
  t.match(kafkaFault(errorWith({ code: 'ECONNRESET' })), { code: 'KAFKA_UNAVAILABLE' });
  t.match(kafkaFault(closed(errorWith({ code: 'CERT_HAS_EXPIRED' }))), {
    code: 'KAFKA_TLS',
    message: /expired/,
  });
  t.end();
});

test('other errors are no fault of ours', (t) => {
  const circle = new Error('of itself');
  circle.cause = circle;
  const others = [
    errorWith({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' }),
    errorWith({ type: 'TOPIC_AUTHORIZATION_FAILED' }),
    'SASL',
    undefined,
    circle,
  ];
  for (const thrown of others) t.equal(kafkaFault(thrown), undefined, String(thrown));
  t.end();
});
