import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Engine } from '@calltally/stack';

/** Ticks in /proc are hundredths of a second on every Linux. */
const TICKS_PER_SECOND = 100;

/**
 * CPU seconds that an engine has used so far, with all of its processes: those that work in its folder, and those of
 * them that have ended.
 * @throws Error if the system does not tell
 */
export function engineCpuSeconds({ name, dataDir }: Engine): number {
  if (dataDir === undefined) throw new Error(`${name} was not started here`);
  let ticks = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      if (!`${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${dataDir}/`)) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // Its own time for itself and in the system, and the same of its children that have ended.
      for (const field of fields.slice(11, 15)) ticks += Number(field);
    } catch {
      // It has ended meanwhile; its parent has its time.
    }
  }
  if (ticks === 0) throw new Error(`no process of ${name} was found`);
  return ticks / TICKS_PER_SECOND;
}
