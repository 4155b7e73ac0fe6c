import { render } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { Dashboard } from './components/dashboard.tsx';
import { SignIn } from './components/sign-in.tsx';
import { storedKey, storeKey, takeDemoKey } from './session.ts';

/** The sign-in form, or the dashboard of this tab's key. */
function App() {
  const [key, setKey] = useState(storedKey);
  const [demoKey, setDemoKey] = useState(takeDemoKey);
  const [reason, setReason] = useState<string>();
  // After a change of view the focused element is gone, so the new view takes the focus. A loaded page does not.
  const [hasTurned, setHasTurned] = useState(false);

  // The address that `npm start` prints may be opened in a tab that already shows the page.
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

const page = document.getElementById('page');
if (page !== null) render(<App />, page);
