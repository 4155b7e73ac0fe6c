import { cpus, totalmem } from 'node:os';

/** What the figures were measured on, as far as it matters for them. */
export function machine(): string {
  const processors = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  return `${processors.length} × ${processors[0]?.model.trim()}, ${gib} GiB, Node ${process.version}`;
}
