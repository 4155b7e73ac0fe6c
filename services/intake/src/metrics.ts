import type { RejectionCode } from '@calltally/contract';
import { Counter, Gauge, type Registry } from '@calltally/telemetry';
import type { ByteBudget } from './byte-budget.ts';
import type { Judged } from './calls/judge-events.ts';

/** What became of a payload of a webhook. */
export type PayloadOutcome = 'accepted' | 'skipped' | 'dead_letter';

/** Counts what comes in, by outcome. */
export class IntakeMeasures {
  readonly #events: Counter;
  readonly #payloads: Counter;
  readonly #dropped: Counter;
  readonly #letters: Counter;

  constructor(registry: Registry, budgets: Readonly<Record<string, ByteBudget>>) {
    const registers = [registry];
    this.#events = new Counter({
      name: 'calltally_intake_events_total',
      help: 'Events by outcome: stored (accepted), or the code of their refusal',
      labelNames: ['outcome'],
      registers,
    });
    this.#payloads = new Counter({
      name: 'calltally_intake_hook_payloads_total',
      help: 'Payloads of webhooks by provider and outcome: a call (accepted), no call (skipped), or unreadable (dead_letter)',
      labelNames: ['provider', 'outcome'],
      registers,
    });
    this.#dropped = new Counter({
      name: 'calltally_intake_dropped_fields_total',
      help: 'Invalid optional fields that were left out of accepted calls',
      labelNames: ['field'],
      registers,
    });
    this.#letters = new Counter({
      name: 'calltally_dead_letters_total',
      help: 'Webhooks that became dead letters, by rejection code',
      labelNames: ['code'],
      registers,
    });
    new Gauge({
      name: 'calltally_intake_bytes_under_way',
      help: 'Bytes of requests from before their body is read until they are answered, as far as they are announced',
      labelNames: ['kind'],
      registers,
      collect() {
        for (const [kind, { used }] of Object.entries(budgets)) this.set({ kind }, used);
      },
    });
    new Counter({
      name: 'calltally_intake_overloaded_total',
      help: 'Requests refused with OVERLOADED because too many bytes were under way',
      labelNames: ['kind'],
      registers,
      collect() {
        this.reset();
        for (const [kind, { refused }] of Object.entries(budgets)) this.inc({ kind }, refused);
      },
    });
  }

  /** Counts events whose acceptable ones are stored. */
  judged(judged: readonly Judged[]): void {
    for (const { refusal, message: _, ...more } of judged) {
      this.#events.inc({ outcome: refusal?.code ?? 'accepted' });
      if ('dropped' in more) for (const field of more.dropped) this.#dropped.inc({ field });
    }
  }

  /** Counts the payloads of a webhook. @param code why it became a dead letter, if it did */
  webhook(provider: string, outcomes: readonly PayloadOutcome[], code: RejectionCode | undefined): void {
    for (const outcome of outcomes) this.#payloads.inc({ provider, outcome });
    if (code !== undefined) this.#letters.inc({ code });
  }
}
