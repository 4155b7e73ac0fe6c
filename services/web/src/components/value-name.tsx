interface Props {
  /** '' for calls without one */
  value: string;
  name: string;
  isChosen: boolean;
}

/** The name of an agent, a direction or a status, in whatever script. */
export function ValueName({ value, name, isChosen }: Props) {
  return (
    <span class="name" data-none={value === ''}>
      {isChosen && <span class="check" />}
      <bdi>{name}</bdi>
    </span>
  );
}
