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

/** What work took: time, and processor time of all processes of this machine meanwhile. */
export interface Spent {
  tookMs: number;
  cpuSeconds: number;
}

/** Both begin now. On a machine that does nothing else, the processor time is that of the work. */
export function stopwatch(): () => Spent {
  const beganMs = performance.now();
  const before = machineCpuSeconds();
  return () => ({ tookMs: performance.now() - beganMs, cpuSeconds: machineCpuSeconds() - before });
}

/** Processor time for each of what was done, µs. */
export function usEach({ cpuSeconds }: Spent, count: number): number {
  return (cpuSeconds * 1e6) / count;
}

/** CPU seconds of all processors since the machine was started, interrupts included. @throws Error if the system does not tell */
function machineCpuSeconds(): number {
  const [, fields] = /^cpu +(.+)$/m.exec(readFileSync('/proc/stat', 'utf8'))!;
  const [user, nice, system, , , irq, softirq] = fields!.split(' ').map(Number);
  return (user! + nice! + system! + irq! + softirq!) / TICKS_PER_SECOND;
}
