import type { Figure } from '../results.ts';
import { INGEST_LINES, measureIngest } from './detail/ingest.ts';
import { MEMORY_LINES, measureMemory } from './detail/memory.ts';

export const detail: Figure = {
  name: 'detail',
  lines: [...MEMORY_LINES, ...INGEST_LINES],
  async measure(bench, note) {
    await measureMemory(bench, note);
    await measureIngest(bench, note);
  },
};
