import Type from 'typebox';
import { fragment } from './read-settings.ts';

/** As the OpenTelemetry specification names them. */
const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;
type Sampler = (typeof SAMPLERS)[number];

/**
 * Section `tracing`: where traces go, and how many; undefined if nothing is traced. The variables are OpenTelemetry's, which a
 * machine may set for other programs: without an address, only that nothing is traced is read from them.
 */
export const TracingSettings = fragment(
  'tracing',
  Type.Object({
    OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
      Type.String({
        description:
          'where traces are sent: the base URL of an OpenTelemetry collector that takes OTLP as protobuf over HTTP, ' +
          'usually port 4318. If unset, nothing is traced',
      }),
    ),
    OTEL_EXPORTER_OTLP_HEADERS: Type.Optional(
      Type.String({
        description:
          'headers for the collector, such as a login: `name=value`, separated by commas, values percent-encoded',
        inFile: true,
      }),
    ),
    OTEL_TRACES_SAMPLER: Type.String({
      default: 'parentbased_always_on',
      description:
        'which requests and batches are traced. `parentbased_…`: as whoever sent them decided, else as the rest of the name ' +
        'says; `always_on`, `always_off`, `traceidratio`: whatever the sender decided',
    }),
    OTEL_TRACES_SAMPLER_ARG: Type.String({
      default: '1',
      description: 'share of traces that samplers with `traceidratio` record, 0 to 1',
    }),
    OTEL_RESOURCE_ATTRIBUTES: Type.Optional(
      Type.String({
        description:
          'attributes of all traces of the process: `name=value`, separated by commas, percent-encoded, such as ' +
          '`deployment.environment.name=prod`',
      }),
    ),
    OTEL_SDK_DISABLED: Type.Optional(
      Type.String({ description: '`true`: nothing is traced, whatever the other variables say' }),
    ),
  }),
  (variables, report) => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER: sampler } = variables;
    if (endpoint === undefined || variables.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined;
    const refuse = (variable: keyof typeof variables, remedy: string) =>
      report([variable], 'cannot be used', `set it to ${remedy}`);
    if (!isEndpoint(endpoint)) {
      refuse(
        'OTEL_EXPORTER_OTLP_ENDPOINT',
        'an http:// or https:// URL without user and password, such as http://collector:4318',
      );
    }
    const headers = parsePairs(variables.OTEL_EXPORTER_OTLP_HEADERS ?? '');
    if (headers === undefined || !Object.entries(headers).every(isHeader)) {
      refuse(
        'OTEL_EXPORTER_OTLP_HEADERS',
        'name=value pairs separated by commas, with values percent-encoded: authorization=Bearer%20abc',
      );
    }
    if (!isSampler(sampler)) refuse('OTEL_TRACES_SAMPLER', `one of ${SAMPLERS.join(', ')}`);
    const ratio = Number(variables.OTEL_TRACES_SAMPLER_ARG);
    if (!/^\d(\.\d+)?$/.test(variables.OTEL_TRACES_SAMPLER_ARG) || ratio > 1) {
      refuse('OTEL_TRACES_SAMPLER_ARG', 'a number from 0 to 1, such as 0.01');
    }
    const attributes = parsePairs(variables.OTEL_RESOURCE_ATTRIBUTES ?? '');
    if (attributes === undefined) {
      refuse(
        'OTEL_RESOURCE_ATTRIBUTES',
        'name=value pairs separated by commas, percent-encoded: deployment.environment.name=prod',
      );
    }
    return {
      endpoint,
      headers: headers ?? {},
      sampler: sampler as Sampler,
      ratio,
      attributes: attributes ?? {},
    };
  },
);

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}

function isSampler(text: string): text is Sampler {
  return SAMPLERS.some((sampler) => sampler === text);
}

/** Undefined if any item is not `name=value`. */
function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: Record<string, string> = {};
  for (const item of text.split(',').filter((one) => one.trim() !== '')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(item) ?? [];
    if (name === undefined || value === undefined) return undefined;
    try {
      pairs[decodeURIComponent(name)] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return pairs;
}

/** As Node takes it. */
function isHeader([name, value]: [string, string]): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
