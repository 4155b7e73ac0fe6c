import { test } from 'tap';
import { readSettings } from '../src/read-settings.ts';
import { TracingSettings } from '../src/tracing-settings.ts';
import { faultsOf } from './faults-of.ts';

const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
const read = (env: Record<string, string>) => readSettings([TracingSettings], env).tracing;

test('nothing is traced without an address', (t) => {
  t.equal(read({}), undefined);
  t.equal(read({ OTEL_TRACES_SAMPLER: 'always_on', OTEL_EXPORTER_OTLP_HEADERS: 'a=b' }), undefined);
  t.end();
});

test('an address is enough', (t) => {
  t.same(read({ OTEL_EXPORTER_OTLP_ENDPOINT }), {
    endpoint: OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: {},
    sampler: 'parentbased_always_on',
    ratio: 1,
  });
  for (const url of ['ftp://a', 'collector:4318', 'http://me:secret@a', 'http://a?key=b', 'http://a#b']) {
    const faults = faultsOf([TracingSettings], { OTEL_EXPORTER_OTLP_ENDPOINT: url });
    t.match(faults, [{ variable: 'OTEL_EXPORTER_OTLP_ENDPOINT' }], url);
  }
  t.end();
});

test('headers are pairs with percent-encoded values', (t) => {
  const headers = (text: string) =>
    read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS: text })?.headers;
  t.same(headers('authorization=Bearer%20a%3Db, x-team = calls,'), {
    authorization: 'Bearer a=b',
    'x-team': 'calls',
  });
  t.same(headers('a=b=c'), { a: 'b=c' });
  for (const text of ['authorization', '=b', 'a b=c', 'a=%', 'a=b,c']) {
    const faults = faultsOf([TracingSettings], { OTEL_EXPORTER_OTLP_HEADERS: text });
    t.match(faults, [{ variable: 'OTEL_EXPORTER_OTLP_HEADERS', remedy: /name=value/ }], text);
  }
  t.end();
});

test('sampler, share and attributes are those of the specification', (t) => {
  const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' };
  t.match(read({ OTEL_EXPORTER_OTLP_ENDPOINT, ...env }), { sampler: 'traceidratio', ratio: 0.01 });
  for (const [variable, values] of Object.entries({
    OTEL_TRACES_SAMPLER: ['jaeger_remote', 'ALWAYS_ON'],
    OTEL_TRACES_SAMPLER_ARG: ['2', '-1', '1%'],
    OTEL_RESOURCE_ATTRIBUTES: ['prod', 'a=b,c', '=b'],
  })) {
    for (const value of values) {
      t.match(faultsOf([TracingSettings], { [variable]: value }), [{ variable }], `${variable}=${value}`);
    }
  }
  t.same(faultsOf([TracingSettings], { OTEL_RESOURCE_ATTRIBUTES: 'a=b,c.d=' }), []);
  t.end();
});
