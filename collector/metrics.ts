import { collectDefaultMetrics, Counter, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** The figures of GET /metrics, one registry for each collector. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  return {
    registry,
    events: counter('stagetag_events_total', 'Events by what became of them', ['outcome', 'reason']),
    batches: counter('stagetag_batches_refused_total', 'Batches refused as a whole, by reason', ['reason']),
  };
}
