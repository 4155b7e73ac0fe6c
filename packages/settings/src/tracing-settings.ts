import Type from 'typebox';
import { fragment } from './read-settings.ts';

/** As the OpenTelemetry specification names them. */
const samplers = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;

/** Section `tracing`: where traces go, and how many; undefined if nothing is traced. */
export const TracingSettings = fragment(
  'tracing',
  Type.Object({
    OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'where traces are sent: the base URL of an OpenTelemetry collector that takes OTLP as protobuf over HTTP, ' +
            'usually port 4318. If unset, nothing is traced',
          remedy: 'an http:// or https:// URL without user and password, such as http://collector:4318',
        }),
        isEndpoint,
      ),
    ),
    OTEL_EXPORTER_OTLP_HEADERS: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'headers for the collector, such as a login: `name=value`, separated by commas, values percent-encoded',
          remedy:
            'name=value pairs separated by commas, with values percent-encoded: authorization=Bearer%20abc',
          inFile: true,
        }),
        (text) => parseHeaders(text) !== undefined,
      ),
    ),
    OTEL_TRACES_SAMPLER: Type.Enum(samplers, {
      default: 'parentbased_always_on',
      description:
        'which requests and batches are traced. `parentbased_…`: as whoever sent them decided, else as the rest of the name ' +
        'says; other values ignore the sender',
      remedy: `one of ${samplers.join(', ')}`,
    }),
    OTEL_TRACES_SAMPLER_ARG: Type.Number({
      default: 1,
      minimum: 0,
      maximum: 1,
      description: 'share of traces that samplers with `traceidratio` record, 0 to 1',
      remedy: 'a number from 0 to 1, such as 0.01',
    }),
    OTEL_RESOURCE_ATTRIBUTES: Type.Optional(
      Type.String({
        description:
          'attributes of every trace of the process: `name=value`, separated by commas, such as `deployment.environment.name=prod`',
        pattern: '^[^=,\\s]+=[^,]*(,[^=,\\s]+=[^,]*)*$',
        remedy: 'name=value pairs separated by commas: deployment.environment.name=prod',
      }),
    ),
  }),
  ({
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG,
  }) => {
    if (OTEL_EXPORTER_OTLP_ENDPOINT === undefined) return undefined;
    return {
      endpoint: OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: parseHeaders(OTEL_EXPORTER_OTLP_HEADERS ?? '') ?? {},
      sampler: OTEL_TRACES_SAMPLER,
      ratio: OTEL_TRACES_SAMPLER_ARG,
    };
  },
);

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');
}

/** Undefined if any item is not `name=value`. */
function parseHeaders(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const item of text.split(',').filter((one) => one.trim() !== '')) {
    const [, name, value] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(.*?)\s*$/.exec(item) ?? [];
    if (name === undefined || value === undefined) return undefined;
    try {
      headers[name] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return headers;
}
