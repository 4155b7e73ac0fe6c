import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'tap';
import { TokenSource } from '../src/token-source.ts';

const HOUR_MS = 3_600_000;

test('tokens', async (t) => {
  const asked: { authorization: string | undefined; form: string }[] = [];
  let status = 200;
  let lifeSeconds: number | undefined;
  const server = createServer(async (request, response) => {
    let form = '';
    for await (const chunk of request) form += chunk;
    asked.push({ authorization: request.headers.authorization, form });
    response.writeHead(status, { 'content-type': 'application/json' });
    const token = { access_token: `token-${asked.length}`, token_type: 'Bearer', expires_in: lifeSeconds };
    response.end(
      JSON.stringify(status === 200 ? token : { error: 'invalid_client', error_description: 'gone' }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const endpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    clientId: 'tally',
    clientSecret: 's3cret',
    scope: 'kafka',
  };
  let nowMs = 0;
  const source = () => new TokenSource(endpoint, () => nowMs);
  t.beforeEach(() => {
    asked.length = 0;
    status = 200;
    lifeSeconds = 3_600;
    nowMs = 1_000;
  });

  await t.test('are asked for once, with the client’s credentials, however many need one', async (t) => {
    const tokens = source();
    t.same(await Promise.all([tokens.token(), tokens.token()]), ['token-1', 'token-1']);
    t.equal(await tokens.token(), 'token-1');
    t.same(asked, [
      {
        authorization: `Basic ${Buffer.from('tally:s3cret').toString('base64')}`,
        form: 'scope=kafka&grant_type=client_credentials',
      },
    ]);
  });

  await t.test('are renewed shortly before they expire', async (t) => {
    const tokens = source();
    await tokens.token();
    nowMs += HOUR_MS - 61_000;
    t.equal(await tokens.token(), 'token-1');
    nowMs += 2_000;
    t.equal(await tokens.token(), 'token-2');
  });

  await t.test('are used once where nobody says when they expire', async (t) => {
    lifeSeconds = undefined;
    const tokens = source();
    t.same([await tokens.token(), await tokens.token()], ['token-1', 'token-2']);
  });

  await t.test('are used until their end if no other can be had', async (t) => {
    const tokens = source();
    await tokens.token();
    status = 401;
    nowMs += HOUR_MS - 1_000;
    t.equal(await tokens.token(), 'token-1');
    nowMs += 2_000;
    const refused = /^the token endpoint for Kafka refused: invalid_client, gone$/;
    await t.rejects(tokens.token(), { name: 'TokenError', retriable: false, message: refused });
    t.equal(asked.length, 3, 'a refusal is not asked for again');
    status = 200;
    t.equal(await tokens.token(), 'token-4');
  });

  await t.test('an endpoint that is away is named, without the secret', async (t) => {
    const nowhere = new TokenSource({ ...endpoint, url: 'http://127.0.0.1:2/' });
    const thrown = await nowhere.token().catch((error: Error) => error);
    t.match(thrown, { name: 'TokenError', message: /^no token for Kafka: .*ECONNREFUSED/ });
    t.notMatch(String(thrown), /s3cret/);
  });
});
