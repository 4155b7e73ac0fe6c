import { refusedLogin } from '@calltally/contract';
import { test } from 'tap';

const errorWith = (properties: object, cause?: unknown) =>
  Object.assign(new Error('said the broker', { cause }), properties);

test('a login that is refused is told apart from everything else, however it is wrapped', (t) => {
  const wrong = errorWith({ name: 'KafkaJSSASLAuthenticationError' });
  t.equal(refusedLogin(wrong), 'said the broker');
  t.equal(refusedLogin(errorWith({ type: 'UNSUPPORTED_SASL_MECHANISM' })), 'said the broker');
  t.equal(
    refusedLogin(new Error('twice', { cause: errorWith({ message: 'once' }, wrong) })),
    'said the broker',
  );

  t.equal(refusedLogin(errorWith({ name: 'KafkaJSConnectionError', code: 'ECONNREFUSED' })), undefined);
  t.equal(refusedLogin(errorWith({ type: 'TOPIC_AUTHORIZATION_FAILED' })), undefined, 'that one is in');
  t.equal(refusedLogin('SASL'), undefined);
  t.equal(refusedLogin(undefined), undefined);
  const circle = new Error('of itself');
  circle.cause = circle;
  t.equal(refusedLogin(circle), undefined);
  t.end();
});
