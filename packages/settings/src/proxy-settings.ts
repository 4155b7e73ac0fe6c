import Type from 'typebox';
import { parseNetworks } from './addresses.ts';
import { fragment } from './fragment.ts';

/** Section `proxy`: whose word on a client's address is taken; nobody's where `trusted` is empty. */
export const ProxySettings = fragment(
  'proxy',
  Type.Object({
    TRUST_PROXY: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'proxies whose `X-Forwarded-For` tells the client’s address, for limits and the log: addresses and ' +
            'networks with commas between, IPv4 or IPv6 (`10.0.0.0/8,::1`), or `loopback`, `linklocal`, ' +
            '`uniquelocal`. Unset, the client is whoever connects',
          remedy:
            'addresses and networks of your proxies with commas between, such as 10.0.0.0/8,::1 or loopback; ' +
            'neither true nor a number of hops, since then clients could choose their address',
        }),
        (text) => parseNetworks(text) !== undefined,
      ),
    ),
  }),
  ({ TRUST_PROXY }) => ({ trusted: parseNetworks(TRUST_PROXY ?? '') ?? [] }),
);
