import type { Accepted } from './ledger.ts';
import { eventOf, eventsOf, type Fate, fateOfTestRecipient } from './outcomes.ts';
import type { Suppressions } from './suppressions.ts';
import type { Webhooks } from './webhooks.ts';

interface AftermathParts {
  webhooks: Webhooks;
  suppressions: Suppressions;
  clock: () => Date;
  /** A rule with precedence over that of the test recipients. */
  fate: ((to: string) => Fate | undefined) | undefined;
}

/** The outcome of accepted messages: events, and entries in the suppression list. */
export class Aftermath {
  readonly #parts: AftermathParts;

  constructor(parts: AftermathParts) {
    this.#parts = parts;
  }

  fateOf(to: string): Fate {
    const { suppressions, fate } = this.#parts;
    return suppressions.has(to) ? 'suppressed' : (fate?.(to) ?? fateOfTestRecipient(to) ?? 'delivered');
  }

  /** Posts all later events of a message. */
  follow(message: Accepted, scheduledAt: string | null): void {
    const { webhooks, suppressions, clock } = this.#parts;
    if (scheduledAt !== null) {
      webhooks.emit(eventOf(message, 'email.scheduled', clock()));
      return;
    }
    const fate = this.fateOf(message.to);
    for (const event of eventsOf(message, fate)) webhooks.emit(event);
    if (fate === 'bounced') suppressions.add(message.to, 'bounce', message.id);
    if (fate === 'complained') suppressions.add(message.to, 'complaint', message.id);
  }
}
