import { useEffect, useState } from 'preact/hooks';
import { get, SignedOut } from './api.js';
import { isSignedIn } from './state.js';

const EVERY_MS = 5000;

export interface Live<T> {
  data: T | undefined;
  /** Why the last reading failed; `data` is then of the time before. */
  problem: string | undefined;
  asOf: number;
}

/** Reads a path of the API, and again every few seconds while the page is in view. */
export function useLive<T>(path: string): Live<T> {
  const [live, setLive] = useState<Live<T> & { path?: string }>({ data: undefined, problem: undefined, asOf: 0 });
  useEffect(() => {
    let isGone = false;
    const read = async () => {
      if (document.hidden) return;
      try {
        const data = await get<T>(path);
        if (!isGone) setLive({ data, problem: undefined, asOf: Date.now(), path });
      } catch (error) {
        if (error instanceof SignedOut) isSignedIn.value = false;
        else if (!isGone) setLive((last) => ({ ...last, problem: (error as Error).message }));
      }
    };
    void read();
    const timer = setInterval(() => void read(), EVERY_MS);
    document.addEventListener('visibilitychange', read);
    return () => {
      isGone = true;
      clearInterval(timer);
      document.removeEventListener('visibilitychange', read);
    };
  }, [path]);
  // What another path gave is not shown under this one.
  return live.path === path || live.problem ? live : { ...live, data: undefined };
}

/** Reads a path of the API once; undefined until it is there, and where it cannot be had. */
export function useOnce<T>(path: string): T | undefined {
  const [read, setRead] = useState<{ path: string; data: T }>();
  useEffect(() => {
    let isGone = false;
    get<T>(path).then(
      (data) => isGone || setRead({ path, data }),
      () => {}, // What is read so only names things; the page says by itself where the collector is gone.
    );
    return () => {
      isGone = true;
    };
  }, [path]);
  return read?.path === path ? read.data : undefined;
}
