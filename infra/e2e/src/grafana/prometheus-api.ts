import type { Prometheus } from '@calltally/stack/testing';

/** Values of a series, without their times: numbers as text, `NaN` and `+Inf` too. */
interface Series {
  metric: Record<string, string>;
  values: string[];
}

export interface AlertState {
  labels: Record<string, string>;
  state: 'pending' | 'firing';
}

interface Rule {
  name: string;
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  /** `0001-01-01T00:00:00Z` before the first time. */
  lastEvaluation: string;
}

interface Sample {
  metric: Record<string, string>;
  value?: [atSeconds: number, value: string];
  values?: [atSeconds: number, value: string][];
}

/** Asks a Prometheus by its HTTP API. */
export class PrometheusApi {
  readonly #address: string;

  constructor({ address }: Prometheus) {
    this.#address = address;
  }

  /** @throws Error with what Prometheus says against the query */
  async now(query: string): Promise<Series[]> {
    const { result } = await this.#get<{ result: Sample[] }>('query', { query });
    return result.map(({ metric, value }) => ({ metric, values: value === undefined ? [] : [value[1]] }));
  }

  /** The last minute, by the second. */
  async minute(query: string): Promise<Series[]> {
    const now = Date.now() / 1_000;
    const range = { start: String(now - 60), end: String(now), step: '1' };
    const { result } = await this.#get<{ result: Sample[] }>('query_range', { query, ...range });
    return result.map(({ metric, values = [] }) => ({ metric, values: values.map(([, value]) => value) }));
  }

  async labelValues(label: string, selector: string): Promise<string[]> {
    return this.#get(`label/${label}/values`, { 'match[]': selector });
  }

  async alerts(): Promise<AlertState[]> {
    return (await this.#get<{ alerts: AlertState[] }>('alerts')).alerts;
  }

  async rules(): Promise<Rule[]> {
    const { groups } = await this.#get<{ groups: { rules: Rule[] }[] }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async #get<T>(path: string, parameters: Record<string, string> = {}): Promise<T> {
    const answer = await fetch(`${this.#address}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const { data, error } = (await answer.json()) as { data: T; error?: string };
    if (error !== undefined) throw new Error(`${path} ${JSON.stringify(parameters)}: ${error}`);
    return data;
  }
}
