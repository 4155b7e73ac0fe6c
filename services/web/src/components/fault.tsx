import type { ClientError } from '@calltally/client';

interface Props {
  /** Such as `chart`. */
  what: string;
  /** Whether an older one is shown. */
  isThere: boolean;
  error: ClientError;
  onRetry(): void;
}

/** Says that a part of the page cannot be read, and why. */
export function Fault({ what, isThere, error, onRetry }: Props) {
  return (
    <p class="fault" role="alert">
      The {what} cannot be {isThere ? 'updated' : 'read'} just now: {error.message}{' '}
      <button type="button" class="link" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}
