import { test } from 'tap';
import { readSettings } from '../src/read-settings.ts';
import { ProxySettings } from '../src/service-settings.ts';
import { faultsOf } from './faults-of.ts';

test('TRUST_PROXY is a list of addresses, networks and names of networks', (t) => {
  const read = (text: string) => readSettings([ProxySettings], { TRUST_PROXY: text }).proxy.trusted;
  t.same(readSettings([ProxySettings], {}).proxy.trusted, [], 'nobody unless it is set');
  t.same(read(''), []);
  for (const text of [
    '10.0.0.1',
    '10.0.0.0/8',
    '::1',
    'fd00::/8',
    '2001:db8::1/128',
    '0.0.0.0/1',
    'loopback',
    'loopback, linklocal,uniquelocal, 192.0.2.7',
  ]) {
    t.same(
      read(text),
      text.split(',').map((item) => item.trim()),
      text,
    );
  }
  t.end();
});

test('networks of anybody, and what is not an address, are refused', (t) => {
  for (const text of [
    'true',
    'false',
    '1',
    '2',
    '*',
    'all',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    '::1/129',
    '10.0.0.0/08',
    '10.0.0.0/255.0.0.0',
    '10.0.0.0/',
    '10.0.0/8',
    '10.0.0.0/8/8',
    'fe80::1%eth0',
    'proxy.example',
    '10.0.0.1:80',
    '[::1]',
    'Loopback',
    '10.0.0.1,',
    '10.0.0.1,,10.0.0.2',
    '10.0.0.1 10.0.0.2',
  ]) {
    const faults = faultsOf([ProxySettings], { TRUST_PROXY: text });
    t.same(
      faults.map(({ variable }) => variable),
      ['TRUST_PROXY'],
      text,
    );
    t.match(faults[0]?.remedy, /10\.0\.0\.0\/8.*neither true nor a number of hops/, text);
  }
  t.end();
});
