import { type Attributes, type Context, type Link, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from './tracing.ts';

export function createSampler(name: TracingSettings['sampler'], ratio: number): Sampler {
  switch (name) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new LinkedSampler(new TraceIdRatioBasedSampler(ratio));
    case 'parentbased_always_on':
      return followLinks(new AlwaysOnSampler());
    case 'parentbased_always_off':
      return followLinks(new AlwaysOffSampler());
    case 'parentbased_traceidratio':
      return followLinks(new TraceIdRatioBasedSampler(ratio));
  }
}

function followLinks(root: Sampler): Sampler {
  return new LinkedSampler(new ParentBasedSampler({ root }));
}

/**
 * Also records a batch without a parent that links to a recorded span. Else a batch would be recorded by chance, and most
 * recorded calls would end at Kafka.
 */
class LinkedSampler implements Sampler {
  readonly #otherwise: Sampler;

  constructor(otherwise: Sampler) {
    this.#otherwise = otherwise;
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const isLinked = links.some(({ context: { traceFlags } }) => (traceFlags & TraceFlags.SAMPLED) !== 0);
    if (isLinked && kind === SpanKind.CONSUMER && trace.getSpanContext(context) === undefined) {
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    }
    return this.#otherwise.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `Linked{${this.#otherwise.toString()}}`;
  }
}
