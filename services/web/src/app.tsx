import { useCallback, useEffect, useState } from 'preact/hooks';
import { Dashboard } from './components/dashboard.tsx';
import { SignIn } from './components/sign-in.tsx';
import { storedKey, storeKey, takeDemoKey } from './session.ts';

/** Either signed out, or the dashboard of the key that this tab holds. */
export function App() {
  const [key, setKey] = useState(storedKey);
  const [demoKey, setDemoKey] = useState(takeDemoKey);
  const [reason, setReason] = useState<string>();
  // What had the focus is gone when one view follows the other; a page that is just loaded leaves it where it is.
  const [hasTurned, setHasTurned] = useState(false);

  // The address that `npm start` prints may be opened in a tab that has the page already.
  useEffect(() => {
    const take = () => setDemoKey((known) => takeDemoKey() ?? known);
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);

  const signIn = useCallback((accepted: string) => {
    storeKey(accepted);
    setReason(undefined);
    setHasTurned(true);
    setKey(accepted);
  }, []);
  const signOut = useCallback((why?: string) => {
    storeKey(undefined);
    setReason(why === undefined ? undefined : `You were signed out. ${why}`);
    setHasTurned(true);
    setKey(undefined);
  }, []);

  if (key === undefined) {
    return <SignIn demoKey={demoKey} reason={reason} takesFocus={hasTurned} onSignIn={signIn} />;
  }
  return <Dashboard key={key} apiKey={key} takesFocus={hasTurned} onSignOut={signOut} />;
}
