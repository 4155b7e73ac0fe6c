import { test } from 'tap';
import { readSettings } from '../src/read-settings.ts';
import { DrainSettings, HttpSettings, ProxySettings } from '../src/service-settings.ts';
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

test('the management port is off unless set, and never that of the API', (t) => {
  const read = (env: Record<string, string>) => readSettings([HttpSettings], env).http;
  t.match(read({}), { port: 3000, managementPort: undefined });
  t.match(read({ MANAGEMENT_PORT: '9000' }), { port: 3000, managementPort: 9000 });
  t.match(read({ PORT: '0', MANAGEMENT_PORT: '0' }), { port: 0, managementPort: 0 }, 'two free ones');
  t.match(faultsOf([HttpSettings], { MANAGEMENT_PORT: '3000' }), [
    { variable: 'MANAGEMENT_PORT', problem: 'is the same as PORT' },
  ]);
  t.end();
});

test('a drain takes whole seconds, none at all, or an hour at most', (t) => {
  const read = (text: string) => readSettings([DrainSettings], { DRAIN_SECONDS: text }).drain;
  t.same([read(''), read('0'), read('3600')], [{ ms: 10_000 }, { ms: 0 }, { ms: 3_600_000 }]);
  for (const text of ['-1', '1.5', '3601', '10s']) {
    t.match(faultsOf([DrainSettings], { DRAIN_SECONDS: text }), [{ variable: 'DRAIN_SECONDS' }], text);
  }
  t.end();
});
