import { useEffect, useState } from 'preact/hooks';

/** Long enough for a look at another tab. */
const ASLEEP_AFTER_MS = 60_000;

/**
 * Whether anybody may be looking. A tab that nobody sees lets go of its stream after a while: to one host a browser
 * opens six connections, and six tabs that hold one each would leave the seventh without.
 */
export function useAwake(): boolean {
  const [isAwake, setIsAwake] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      clearTimeout(timer);
      if (document.hidden) timer = setTimeout(() => setIsAwake(false), ASLEEP_AFTER_MS);
      else setIsAwake(true);
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
  return isAwake;
}
