import type { Figure } from '../results.ts';
import { ALTERNATIVE_LINES, measureAlternatives } from './detail/alternatives.ts';
import { ANSWER_LINES, measureAnswers } from './detail/answers.ts';
import { INGEST_LINES, measureIngest } from './detail/ingest.ts';
import { MEMORY_LINES, measureMemory } from './detail/memory.ts';

export const detail: Figure = {
  name: 'detail',
  lines: [...MEMORY_LINES, ...ANSWER_LINES, ...ALTERNATIVE_LINES, ...INGEST_LINES],
  async measure(bench, note) {
    await measureMemory(bench, note);
    await measureAnswers(bench, note);
    await measureAlternatives(bench, note);
    await measureIngest(bench, note);
  },
};
