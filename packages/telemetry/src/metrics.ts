import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * A registry of its own, so that one process can hold several apps; what is measured of the process itself
 * (memory, event loop, garbage collection) is in it, and every sample has the label `service`.
 */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}
