import type { CellFilter, Dimension } from '@calltally/domain';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Groups, inOrder, isUnlabelled, TITLES } from '../breakdown.ts';
import { toggled } from '../filters.ts';
import { number } from '../numbers.ts';
import { type Asked, type LoadedGroups, useBreakdown } from '../use-breakdown.ts';
import { BreakdownTable } from './breakdown-table.tsx';
import { TableToggle } from './table-toggle.tsx';
import { ValueName } from './value-name.tsx';

interface Props {
  part: LoadedGroups;
  asked: Asked;
  onFilter(filter: CellFilter): void;
}

/** Before the first answer, there are as many bones. */
const USUAL_ROWS = 4;

/** Calls by one dimension, as bars or as a table. */
export function BreakdownPart({ part: { dimension, groups, fault }, asked, onFilter }: Props) {
  const [isTable, setIsTable] = useState(false);
  const table = useRef<HTMLElement>(null);
  const wasOthers = useRef(false);
  // The bar of others opens the table, which then takes its focus.
  useEffect(() => {
    if (isTable && wasOthers.current) table.current?.focus();
    wasOthers.current = false;
  }, [isTable]);

  const isAll = isTable && groups?.others !== undefined;
  const all = useBreakdown({ ...asked, today: isAll ? asked.today : undefined }, dimension);
  const title = TITLES[dimension];
  const plain = groups && plainText(groups, dimension);
  const choose = (value: string) => onFilter(toggled(asked.filter, dimension, value));

  return (
    <div class="part">
      <div class="part-head">
        <h3 id={`by-${dimension}`}>{title}</h3>
        {plain === undefined && (
          <TableToggle name={title} isTable={isTable} onToggle={() => setIsTable(!isTable)} />
        )}
      </div>
      {content()}
    </div>
  );

  function content() {
    if (plain !== undefined) return <p class="unit">{plain}</p>;
    if (groups !== undefined && isTable) {
      return <BreakdownTable title={title} {...(all.groups ?? groups)} section={table} onChoose={choose} />;
    }
    const showOthers = () => {
      wasOthers.current = true;
      setIsTable(true);
    };
    return (
      <Bars
        titleId={`by-${dimension}`}
        groups={groups}
        isLoading={fault === undefined}
        onChoose={choose}
        onOthers={showOthers}
      />
    );
  }
}

/** Said in place of bars that would tell nothing. */
function plainText(groups: Groups, dimension: Dimension): string | undefined {
  if (groups.groups.length === 0) return 'No such calls in this range.';
  if (!isUnlabelled(groups)) return undefined;
  return `None of these calls names ${dimension === 'agent' ? 'an' : 'a'} ${dimension}.`;
}

interface BarsProps {
  titleId: string;
  groups: Groups | undefined;
  isLoading: boolean;
  onChoose(value: string): void;
  onOthers(): void;
}

/** A bar for each value, which is a button that chooses it. */
function Bars({ titleId, groups, isLoading, onChoose, onOthers }: BarsProps) {
  const list = useRef<HTMLUListElement>(null);
  const order = useRef<readonly string[]>([]);
  const bones = useRef(USUAL_ROWS);
  if (groups === undefined) {
    order.current = [];
    return (
      <ul class="values" ref={list} aria-busy={isLoading} aria-labelledby={titleId}>
        {isLoading &&
          Array.from({ length: bones.current }, (_, index) => <li class="bar-bone" key={index} />)}
      </ul>
    );
  }
  // Bars of the same calls change places only while nobody is about to press one.
  const isInUse = list.current?.matches(':hover, :focus-within') ?? false;
  const shown = isInUse ? inOrder(groups.groups, order.current) : groups.groups;
  order.current = shown.map(({ value }) => value);
  bones.current = shown.length;
  const { others } = groups;
  return (
    <ul
      class="values"
      ref={list}
      aria-labelledby={titleId}
      data-chosen={shown.some(({ isChosen }) => isChosen)}
    >
      {shown.map(({ value, name, calls: count, share, size, isChosen }) => (
        <li key={value}>
          <button
            type="button"
            class="value"
            aria-pressed={isChosen}
            style={{ '--size': size }}
            title={name}
            onClick={() => onChoose(value)}
          >
            <ValueName value={value} name={name} isChosen={isChosen} />{' '}
            <span class="count">
              {number(count)}
              <span class="unseen"> {count === 1 ? 'call' : 'calls'}, </span>
            </span>
            <span class="share">{share}</span>
          </button>
        </li>
      ))}
      {others !== undefined && (
        <li key="others:">
          <button type="button" class="value others" onClick={onOthers}>
            <span class="name">{others.name}</span>{' '}
            <span class="count">
              {number(others.calls)}
              <span class="unseen"> {others.calls === 1 ? 'call' : 'calls'}, </span>
            </span>
            <span class="share">{others.share}</span>
            <span class="unseen">, show all in a table</span>
          </button>
        </li>
      )}
    </ul>
  );
}
