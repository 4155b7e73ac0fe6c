import { type CellFilter, type Dimension, isFiltered } from '@calltally/domain';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { nameOfValue, TITLES } from '../breakdown.ts';
import { chosenDimensions, isFull, VALUES_MAX, valuesOf, without } from '../filters.ts';
import { number } from '../numbers.ts';

interface Props {
  filter: CellFilter;
  /** Whether the heading takes the focus. */
  takesFocus: boolean;
  onFilter(filter: CellFilter): void;
  /** What else is chosen for all figures. */
  children: ComponentChildren;
}

/** More values are counted, not named. */
const NAMED_MAX = 3;

/** The page's heading: which calls its figures are of. Each filter is a button that removes it. */
export function Filters({ filter, takesFocus, onFilter, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus) heading.current?.focus();
  }, [takesFocus]);

  // The button is gone then, and with it the focus.
  const leave = (rest: CellFilter) => {
    onFilter(rest);
    heading.current?.focus();
  };
  const dimensions = chosenDimensions(filter);
  return (
    <div class="filters" data-filtered={isFiltered(filter)}>
      <h1 ref={heading} tabIndex={-1}>
        Calls
      </h1>
      {dimensions.length === 0 && <p class="unit">All agents, directions and statuses</p>}
      {dimensions.map((dimension) => (
        <button
          key={dimension}
          type="button"
          class="filter"
          onClick={() => leave(without(filter, dimension))}
        >
          <span class="unseen">Remove filter: </span>
          <span class="unit">{TITLES[dimension]}</span>{' '}
          <span class="name">
            <Values dimension={dimension} values={valuesOf(filter, dimension)} />
          </span>
          <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
            <path d="M1 1 9 9M9 1 1 9" />
          </svg>
        </button>
      ))}
      {dimensions.length > 1 && (
        <button type="button" class="link" onClick={() => leave({})}>
          Remove all
        </button>
      )}
      <p class="unit" role="status">
        {isFull(filter) && `No more than ${VALUES_MAX} values can be chosen.`}
      </p>
      {children}
    </div>
  );
}

/** `ada, grace or No agent`, `12 of them` */
function Values({ dimension, values }: { dimension: Dimension; values: readonly string[] }) {
  if (values.length > NAMED_MAX) return <>{number(values.length)} chosen</>;
  return (
    <>
      {values.map((value, index) => (
        <span key={value}>
          {index > 0 && (index === values.length - 1 ? ' or ' : ', ')}
          <bdi>{nameOfValue(dimension, value)}</bdi>
        </span>
      ))}
    </>
  );
}
