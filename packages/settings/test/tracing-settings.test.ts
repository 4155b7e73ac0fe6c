import { test } from 'tap';
import { readSettings } from '../src/read-settings.ts';
import { TracingSettings } from '../src/tracing-settings.ts';
import { faultsOf } from './faults-of.ts';

const OTEL_EXPORTER_OTLP_ENDPOINT = 'http://collector:4318';
const read = (env: Record<string, string>) => readSettings([TracingSettings], env).tracing;

test('nothing is traced without an address, whatever is set for other programs', (t) => {
  t.equal(read({}), undefined);
  const foreign = {
    OTEL_TRACES_SAMPLER: 'parentbased_jaeger_remote',
    OTEL_TRACES_SAMPLER_ARG: 'endpoint=http://localhost:14250',
    OTEL_EXPORTER_OTLP_HEADERS: 'secret',
    OTEL_RESOURCE_ATTRIBUTES: 'a',
  };
  t.equal(read(foreign), undefined);
  t.equal(read({ ...foreign, OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SDK_DISABLED: 'true' }), undefined);
  t.equal(faultsOf([TracingSettings], { ...foreign, OTEL_EXPORTER_OTLP_ENDPOINT }).length, 4);
  t.end();
});

test('an address is enough', (t) => {
  t.same(read({ OTEL_EXPORTER_OTLP_ENDPOINT }), {
    endpoint: OTEL_EXPORTER_OTLP_ENDPOINT,
    headers: {},
    sampler: 'parentbased_always_on',
    ratio: 1,
    attributes: {},
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
  for (const text of ['authorization', '=b', 'a b=c', 'a=%', 'a=b,c', 'a=b%0Ac', 'a%3A=b']) {
    const faults = faultsOf([TracingSettings], {
      OTEL_EXPORTER_OTLP_ENDPOINT,
      OTEL_EXPORTER_OTLP_HEADERS: text,
    });
    t.match(faults, [{ variable: 'OTEL_EXPORTER_OTLP_HEADERS', remedy: /name=value/ }], text);
  }
  t.end();
});

test('sampler, share and attributes are those of the specification', (t) => {
  const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.01' };
  t.match(read({ OTEL_EXPORTER_OTLP_ENDPOINT, ...env }), { sampler: 'traceidratio', ratio: 0.01 });
  for (const [variable, values] of Object.entries({
    OTEL_TRACES_SAMPLER: ['jaeger_remote', 'ALWAYS_ON'],
    OTEL_TRACES_SAMPLER_ARG: ['2', '-1', '1%', '1.5'],
    OTEL_RESOURCE_ATTRIBUTES: ['prod', 'a=b,c', '=b', 'a=100%'],
  })) {
    for (const value of values) {
      const faults = faultsOf([TracingSettings], { OTEL_EXPORTER_OTLP_ENDPOINT, [variable]: value });
      t.match(faults, [{ variable }], `${variable}=${value}`);
    }
  }
  const attributes = (text: string) =>
    read({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_RESOURCE_ATTRIBUTES: text })?.attributes;
  t.same(attributes('a=b, c.d=x%2Cy,'), { a: 'b', 'c.d': 'x,y' });
  t.end();
});
