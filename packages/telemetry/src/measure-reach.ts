import { Gauge, type Registry } from 'prom-client';

/** How much of Redis can be used. A structural type, because telemetry imports no other package of calltally. */
export interface ReachMeasured {
  readonly mastersAway: number;
  readonly usersAway: number;
}

/** Registers metrics that are read at each scrape. There are no samples while it is unknown: without any session. */
export function measureReach(registry: Registry, read: () => ReachMeasured | undefined): void {
  const gauge = (name: string, help: string, of: (reach: ReachMeasured) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const reach = read();
        // Not `reset`, which would report 0.
        this.remove();
        if (reach !== undefined) this.set(of(reach));
      },
    });
  gauge(
    'calltally_redis_masters_away',
    'Masters of a Redis Cluster that this process goes on without',
    ({ mastersAway }) => mastersAway,
  );
  gauge(
    'calltally_redis_users_away_ratio',
    'Share of the users whose Redis master is away, by hash slots: 0 to 1',
    ({ usersAway }) => usersAway,
  );
}
