import type { ClientError } from '@calltally/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { kindOf } from '../faults.ts';
import { clientOf } from '../session.ts';
import { Brand } from './brand.tsx';

/** The characters that a header and a key can contain. */
const SENDABLE = /^[\x21-\x7e]+$/;

interface Props {
  demoKey: string | undefined;
  /** Why the person was signed out. */
  reason: string | undefined;
  /** Whether the field takes the focus. */
  takesFocus: boolean;
  onSignIn(key: string): void;
}

/** Asks for an API key, and passes it on once the API accepts it. */
export function SignIn({ demoKey, reason, takesFocus, onSignIn }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const [fault, setFault] = useState<string>();
  const [busy, setBusy] = useState(false);

  useEffect(() => {
    if (takesFocus) field.current?.focus();
  }, [takesFocus]);

  const refuse = (message: string) => {
    setFault(message);
    field.current?.focus();
  };
  const tryKey = async (key: string) => {
    if (key === '') return refuse('Enter your API key.');
    if (!SENDABLE.test(key))
      return refuse('This is no API key: it contains a space or another character that no key has.');
    setBusy(true);
    try {
      await clientOf(key).dashboard();
      onSignIn(key);
    } catch (thrown) {
      setBusy(false);
      refuse(explained(thrown as ClientError));
    }
  };

  return (
    <main class="sign-in">
      <Brand />
      <form
        class="panel"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void tryKey(field.current?.value.trim() ?? '');
        }}
      >
        <h1>Sign in</h1>
        {reason !== undefined && (
          <p class="notice" role="alert">
            {reason}
          </p>
        )}
        {demoKey !== undefined && (
          <>
            <button type="button" class="primary wide" disabled={busy} onClick={() => void tryKey(demoKey)}>
              Sign in with the demo key
            </button>
            <p class="or">or with a key of your own</p>
          </>
        )}
        <label for="api-key">API key</label>
        <input
          ref={field}
          id="api-key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="ct_…"
          aria-invalid={fault !== undefined}
          aria-describedby={fault === undefined ? 'api-key-hint' : 'api-key-fault api-key-hint'}
          onInput={() => setFault(undefined)}
        />
        {fault !== undefined && (
          <p class="fault" id="api-key-fault" role="alert">
            {fault}
          </p>
        )}
        <p class="hint" id="api-key-hint">
          It begins with <code>ct_</code>. This tab forgets it when it is closed. Operators create keys:{' '}
          <code>npx calltally keys create --user me</code>
        </p>
        <button type="submit" class={demoKey === undefined ? 'primary wide' : 'wide'} disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

function explained(error: ClientError): string {
  switch (kindOf(error)) {
    case 'refused':
      return 'This key is not known here: it may be misspelt, revoked or expired.';
    case 'limited':
      return `${error.message} Try again in a moment.`;
    case 'unreachable':
      return 'The server cannot be reached. Check your connection and try again.';
    case 'unavailable':
      return 'The server cannot check keys just now. Try again in a moment.';
    case 'invalid':
    case 'failed':
      return error.message;
  }
}
