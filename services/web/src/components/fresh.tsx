/** A figure that lights up for a moment when it is another one than before: a new element, so that it does so anew. */
export function Fresh({ text }: { text: string }) {
  return (
    <span class="fresh" key={text}>
      {text}
    </span>
  );
}
