import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { addressOfView, type View, viewOfAddress } from './view.ts';

/** Long enough to look at another tab. */
const ASLEEP_AFTER_MS = 60_000;

/** The browser's time in epoch ms, updated every `everyMs`. */
export function useNow(everyMs: number): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return nowMs;
}

/**
 * Whether someone may be looking at the page. A tab hidden for a while closes its stream: browsers open six connections
 * per host, so six hidden tabs would block a seventh.
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

/** The size of an element in pixels; 0 before it is drawn. */
export function useSize(frame: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  return size;
}

/** What the page's address says to show. Another view is a step in the browser's history. */
export function useView(): [View, (view: View) => void] {
  const [view, setView] = useState(() => viewOfAddress(location.search));
  useEffect(() => {
    const step = () => setView(viewOfAddress(location.search));
    addEventListener('popstate', step);
    return () => removeEventListener('popstate', step);
  }, []);
  const show = (next: View) => {
    setView(next);
    const address = addressOfView(next);
    if (address !== location.search) history.pushState(null, '', address);
  };
  return [view, show];
}
