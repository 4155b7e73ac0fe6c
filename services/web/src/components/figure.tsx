interface Props {
  /** Undefined while it is not known. */
  text: string | undefined;
  /** Whether it is not on its way either. */
  old: boolean;
}

/** A figure; one that is another than before is a new element, which lights up for a moment. */
export function Figure({ text, old }: Props) {
  if (text !== undefined) {
    return (
      <span class="fresh" key={text}>
        {text}
      </span>
    );
  }
  return old ? '–' : <span class="bone" />;
}
