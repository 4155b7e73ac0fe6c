import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.ts';
import type { Figure, Line } from '../figure.ts';
import { NodeProcess } from '../node-process.ts';
import { takeTurns } from '../take-turns.ts';
import { type Dashboards, dashboards } from '../world/dashboards.ts';

type Start = (bench: Bench, given: Dashboards) => Promise<NodeProcess>;

/**
 * Dashboards a second of one API process against those of one process of a reference.
 * @param startOther the reference, with all it needs
 * @param startOurs the API; as it is delivered unless given
 */
export function readAgainst(line: Omit<Line, 'unit'>, startOther: Start, startOurs?: Start): Figure {
  return {
    name: line.name,
    lines: [{ ...line, unit: 'requests/s' }],
    async measure(bench, note) {
      const given = await bench.shared(dashboards);
      const { load } = given;
      const api = (await startOurs?.(bench, given)) ?? given.api;
      const other = await startOther(bench, given);
      const seconds = bench.size(10, 2);
      await requireSameAnswers(given, api, other);
      // Compiled and at full speed before the first round.
      for (const server of [api, other]) await load.throughput(server, seconds);
      for (let round = 1; round <= bench.rounds; round++) {
        const both = await takeTurns(
          round,
          () => load.throughput(api, seconds),
          () => load.throughput(other, seconds),
        );
        note(line.name, {
          ours: both.ours.perSecond,
          other: both.other.perSecond,
          oursCores: both.ours.cores,
          otherCores: both.other.cores,
        });
      }
      await other.stop();
      if (api !== given.api) await api.stop();
    },
  };
}

/** What does another work is no reference. The end of the range is now, and differs. */
async function requireSameAnswers({ keys }: Dashboards, api: NodeProcess, other: NodeProcess): Promise<void> {
  const [one, two] = await Promise.all(
    [api, other].map(async ({ url }) => {
      const answer = await fetch(`${url}/analytics/dashboard`, {
        headers: { authorization: `Bearer ${keys[0]}` },
      });
      return (await answer.text()).replace(/"end_date":"[^"]*"/, '');
    }),
  );
  if (one !== two) throw new Error(`the reference answers ${two} where the API answers ${one}`);
}

/** @param name a file of `references/` */
export function startReference(
  bench: Bench,
  name: string,
  env: Record<string, string>,
): Promise<NodeProcess> {
  const main = fileURLToPath(new URL(`../references/${name}.js`, import.meta.url));
  return NodeProcess.start(bench, main, env);
}
