import { test } from 'tap';
import { clientOf, networkOf } from '../src/client-address.ts';

const client = (ip: string, remoteAddress = '192.0.2.1') =>
  clientOf({ ip, socket: { remoteAddress } } as Parameters<typeof clientOf>[0]);

test('the address of a client, however a proxy writes it', async (t) => {
  for (const [written, address] of [
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:50123', '198.51.100.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]:50123', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['::ffff:198.51.100.7', '198.51.100.7'],
    ['fe80::7%eth0', 'fe80::7'],
  ] as const) {
    t.equal(client(written), address, written);
  }
  for (const nothing of ['unknown', '_hidden', '', '999.1.1.1', `ct_${'A'.repeat(43)}`, 'x'.repeat(5_000)]) {
    t.equal(client(nothing), '192.0.2.1', `${nothing.slice(0, 20)}: the connection's`);
  }
  t.equal(client('unknown', '::ffff:192.0.2.1'), '192.0.2.1');
});

test('addresses of one /64 are one network, those of another are not', async (t) => {
  for (const [one, other] of [
    ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['2001:db8::1', '2001:DB8:0:0:1::'],
    ['::1', '::2'],
    ['1::', '1:0:0:0:5::'],
  ] as const) {
    t.equal(networkOf(one), networkOf(other), `${one} ${other}`);
  }
  for (const [one, other] of [
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8::1', '2001:db8:0:1::1'],
    ['1::', '1:0:0:1::'],
    ['198.51.100.7', '198.51.100.8'],
  ] as const) {
    t.not(networkOf(one), networkOf(other), `${one} ${other}`);
  }
});
