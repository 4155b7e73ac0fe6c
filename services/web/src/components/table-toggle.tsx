interface Props {
  /** What the table is of, such as `Agent`. */
  name: string;
  isTable: boolean;
  onToggle(): void;
}

/** A small button that shows figures as a table. */
export function TableToggle({ name, isTable, onToggle }: Props) {
  return (
    <button type="button" class="toggle" aria-pressed={isTable} onClick={onToggle}>
      <span class="unseen">{name} as a </span>Table
    </button>
  );
}
