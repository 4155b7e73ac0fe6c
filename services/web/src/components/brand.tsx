/** The name, and a tally of five as its logo. */
export function Brand() {
  return (
    <span class="brand">
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
        <rect width="32" height="32" rx="8" class="brand-ground" />
        <path d="M8.5 9v14M13 9v14M17.5 9v14M22 9v14M6 20.5 25 11.5" class="brand-strokes" />
      </svg>
      calltally
    </span>
  );
}
