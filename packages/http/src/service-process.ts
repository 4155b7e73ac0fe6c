import type { Logger } from '@calltally/telemetry';
import type { FastifyInstance } from 'fastify';
import type { Drain } from './drain.ts';
import { toLoggedError } from './redaction.ts';

/** After the drain. Together they must be less than an orchestrator waits before it kills the process. */
const STOP_TIMEOUT_MS = 9_000;
/** Connections that wait to be accepted. The kernel drops more, and their clients retry a second later. */
const BACKLOG = 4_096;

/** Logs what nobody caught, and exits. */
export function exitWhenUnexpected(logger: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (thrown: unknown) => {
      logger.fatal({ fault: toLoggedError(thrown) }, 'unexpected error, exiting');
      process.exit(1);
    });
  }
}

/**
 * Stops at SIGTERM and SIGINT: announces it for `drainMs`, then closes. A second signal exits at once.
 * @param close ends requests first, which still need the rest
 */
export function stopWhenAsked(
  logger: Logger,
  { drain, drainMs, close }: { drain: Drain; drainMs: number; close(): Promise<void> },
): void {
  let stopping = false;
  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (stopping) {
      logger.warn({ signal }, 'asked again to stop, exiting at once');
      process.exit(1);
    }
    stopping = true;
    // SIGINT comes from a person at a terminal, who would have to wait.
    const announcedMs = signal === 'SIGTERM' ? drainMs : 0;
    logger.info({ signal, drainMs: announcedMs }, 'stopping');
    await drain.begin(announcedMs);
    setTimeout(() => {
      logger.error('not stopped in time, exiting');
      process.exit(1);
    }, STOP_TIMEOUT_MS).unref();
    await close();
    logger.info('stopped');
    // A library may have left a socket open, which would keep the process alive.
    process.exit(0);
  }
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

/** Where a service listens. */
export interface Listening {
  host: string;
  port: number;
  /** For health and metrics alone; undefined if `port` serves them. */
  managementPort: number | undefined;
}

/**
 * Listens, or logs why it cannot and exits.
 * @param variables what a person may set then, such as `PORT` and `MANAGEMENT_PORT`
 */
export async function listenOrExit(
  logger: Logger,
  { app, management }: { app: FastifyInstance; management: FastifyInstance | undefined },
  { host, port, managementPort }: Listening,
  variables: { port: string; managementPort: string },
): Promise<void> {
  const listenTextResolver = (address: string) => `listening on ${address}`;
  await orExit(logger, variables.port, () =>
    app.listen({ host, port, backlog: BACKLOG, listenTextResolver }),
  );
  // Afterwards: readiness speaks for the other port.
  if (management === undefined || managementPort === undefined) return;
  await orExit(logger, variables.managementPort, async () => {
    const address = await management.listen({ host, port: managementPort });
    logger.info(`health and metrics are served on ${address}`);
  });
}

async function orExit(logger: Logger, variable: string, listen: () => Promise<unknown>): Promise<void> {
  try {
    await listen();
  } catch (thrown) {
    const fault = toLoggedError(thrown);
    logger.fatal({ fault }, `cannot listen; end what listens there, or set ${variable} or HOST`);
    process.exit(1);
  }
}
