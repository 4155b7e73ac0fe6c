import type { CellFilter } from '@calltally/domain';
import { isUnlabelled } from '../breakdown.ts';
import { type Asked, useBreakdown } from '../use-breakdown.ts';
import { BreakdownPart } from './breakdown-part.tsx';
import { Fault } from './fault.tsx';

interface Props extends Asked {
  old: boolean;
  onFilter(filter: CellFilter): void;
}

/** With as many bars, all three parts are about as high as the chart and the durations. */
const BARS_MAX = 8;

/** The range's calls by agent, direction and status. */
export function BreakdownPanel({ old, onFilter, ...asked }: Props) {
  const parts = [
    useBreakdown(asked, 'agent', BARS_MAX),
    useBreakdown(asked, 'direction', BARS_MAX),
    useBreakdown(asked, 'status', BARS_MAX),
  ];
  const failed = parts.find(({ fault }) => fault !== undefined);
  const isPlain = parts.every(({ groups }) => groups !== undefined && isUnlabelled(groups));
  return (
    <section
      class="panel breakdown"
      aria-labelledby="breakdown-title"
      data-plain={isPlain}
      data-old={old || failed !== undefined}
    >
      <h2 id="breakdown-title">By whom and how</h2>
      {failed?.fault !== undefined && !old && (
        <Fault
          what="breakdown"
          isThere={failed.groups !== undefined}
          error={failed.fault.error}
          onRetry={failed.retry}
        />
      )}
      {parts.some(({ isBeyondCells }) => isBeyondCells) && (
        <p class="unit">
          There are so many combinations of agent, direction and status that these figures are summed call by
          call: exact, but slower.
        </p>
      )}
      {isPlain ? (
        <p class="unit">None of these calls names an agent, a direction or a status.</p>
      ) : (
        <div class="parts">
          {parts.map(
            (part) =>
              (part.groups !== undefined || part.fault === undefined) && (
                <BreakdownPart key={part.dimension} part={part} asked={asked} onFilter={onFilter} />
              ),
          )}
        </div>
      )}
    </section>
  );
}
