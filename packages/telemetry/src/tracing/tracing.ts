/** Where traces go, and which are recorded. */
export interface TracingSettings {
  /** Base URL of an OTLP receiver that takes protobuf over HTTP. */
  endpoint: string;
  /** Sent with every export, such as a login. */
  headers: Readonly<Record<string, string>>;
  /** By its name in the OpenTelemetry specification. */
  sampler:
    | 'always_on'
    | 'always_off'
    | 'traceidratio'
    | 'parentbased_always_on'
    | 'parentbased_always_off'
    | 'parentbased_traceidratio';
  /** Share of the traces that samplers with a ratio record: 0 to 1. */
  ratio: number;
  /** Of every span. */
  attributes: Readonly<Record<string, string>>;
}

/** The traces of this process. */
export interface Tracing {
  /** Sends what is recorded, or gives up after two seconds. */
  stop(): Promise<void>;
}
