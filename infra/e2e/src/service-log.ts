import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from './service.ts';

const WAIT_MS = 90_000;

/** A line that a service logged. */
export interface LogLine {
  level: string;
  msg: string;
  code?: string;
  err?: { message: string };
}

export function loggedBy(service: Service): LogLine[] {
  const lines = service.log.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line));
}

/** The first line whose message fits, once there is one. */
export async function untilLogged(service: Service, pattern: RegExp): Promise<LogLine> {
  for (const end = Date.now() + WAIT_MS; ; await sleep(100)) {
    const line = loggedBy(service).find(({ msg }) => pattern.test(msg));
    if (line !== undefined) return line;
    if (Date.now() > end) throw new Error(`${pattern} is not logged:\n${service.log.slice(-4_000)}`);
  }
}
