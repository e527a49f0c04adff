import { useEffect, useRef, useState } from 'preact/hooks';
import { get, Preparing, SignedOut, Unreachable, type Refused } from './api.js';
import { chosen, signedOut } from './state.js';
import { t } from './texts.js';

/** Stages change as time passes too; and where changes cannot be heard, this is what is left. */
export const EVERY_MS = 15_000;
/** How soon a report is asked for again that is being made. */
export const AGAIN_MS = 3000;

/** One stream of changes for all that look at a site; a browser opens few at a time. */
const streams = new Map<string, { ears: Set<() => void>; end: () => void }>();

/** Calls back whenever something was stored of a site. @returns ends it */
function hear(siteKey: string, listen: () => void): () => void {
  let stream = streams.get(siteKey);
  if (!stream) {
    const ears = new Set<() => void>();
    let source: EventSource | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    /** Whether it was not there for a while: what happened then was told to nobody. */
    let hasMissed = false;
    const tell = () => ears.forEach((each) => each());
    const close = () => {
      clearTimeout(again);
      source?.close();
      source = undefined;
    };
    // A tab that nobody sees holds no connection: a browser has six for all tabs together.
    const attend = () => {
      if (document.hidden) return close();
      if (source) return;
      source = new EventSource(`api/sites/${siteKey}/changes`);
      source.addEventListener('change', tell);
      source.addEventListener('open', () => {
        if (hasMissed) tell();
        hasMissed = false;
      });
      source.addEventListener('error', () => {
        hasMissed = true;
        // A proxy answered in the collector's place: a browser takes that for an end.
        if (source?.readyState !== EventSource.CLOSED) return;
        close();
        again = setTimeout(attend, AGAIN_MS);
      });
    };
    attend();
    document.addEventListener('visibilitychange', attend);
    const end = () => {
      document.removeEventListener('visibilitychange', attend);
      close();
    };
    streams.set(siteKey, (stream = { ears, end }));
  }
  const { ears, end } = stream;
  ears.add(listen);
  return () => {
    ears.delete(listen);
    if (ears.size) return;
    end();
    streams.delete(siteKey);
  };
}

export interface Live<T> {
  data: T | undefined;
  /** Why the last reading failed; `data` is then of the time before. */
  problem: string | undefined;
  /** Whether there is no such thing, or no more. */
  isMissing?: boolean;
  /** How far the collector is with what it needs first, 0 to 1. */
  preparing?: number;
  asOf: number;
  again: () => void;
}

/** After a reading it rests so many times as long as that took: a report of a large site is not to be made without end. */
const REST = 3;

/** Reads a path of the API, and again every few seconds, and when something was stored of the site, while the page is in view. */
export function useLive<T>(path: string): Live<T> {
  const [live, setLive] = useState<Omit<Live<T>, 'again'> & { path?: string }>({
    data: undefined,
    problem: undefined,
    asOf: 0,
  });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let [isGone, isReading, isStale] = [false, false, false];
    let soon: ReturnType<typeof setTimeout> | undefined;
    let restUntil = 0;
    const readIn = (ms: number) => {
      clearTimeout(soon);
      soon = setTimeout(() => void read(), ms);
    };
    const read = async () => {
      clearTimeout(soon);
      if (document.hidden) return;
      isStale = isReading;
      if (isReading) return;
      isReading = true;
      const begun = Date.now();
      try {
        const data = await get<T>(path);
        if (isGone) return;
        setLive({ data, problem: undefined, asOf: Date.now(), path });
        if (isUpdating(data)) readIn(AGAIN_MS);
      } catch (error) {
        if (error instanceof SignedOut) signedOut();
        else if (isGone) return;
        else if (error instanceof Preparing) {
          setLive((last) => ({ ...last, problem: undefined, preparing: error.share }));
          readIn(AGAIN_MS);
        } else if ((error as Refused).status === 404) {
          setLive({ data: undefined, problem: (error as Error).message, isMissing: true, asOf: Date.now(), path });
        } else setLive((last) => ({ ...last, problem: (error as Error).message }));
      } finally {
        isReading = false;
        restUntil = Date.now() + REST * (Date.now() - begun);
        if (isStale && !isGone) listen();
      }
    };
    const listen = () => (isReading ? (isStale = true) : readIn(Math.max(0, restUntil - Date.now())));
    void read();
    const timer = setInterval(listen, EVERY_MS);
    const siteKey = /^sites\/([^/]+)\//.exec(path)?.[1];
    const deaf = siteKey && hear(siteKey, listen);
    document.addEventListener('visibilitychange', read);
    return () => {
      isGone = true;
      clearTimeout(soon);
      clearInterval(timer);
      if (deaf) deaf();
      document.removeEventListener('visibilitychange', read);
    };
  }, [path, times]);
  // What another path gave is not shown under this one.
  const shown = live.path === path ? live : { ...live, data: undefined };
  return { ...shown, again: () => setTimes(times + 1) };
}

/** The same of a report of a site; parameters that are empty are left out. */
export function useLiveReport<T>(siteKey: string, name: string, parameters: Record<string, string>): Live<T> {
  return useLive<T>(pathOf(siteKey, name, parameters));
}

const pathOf = (siteKey: string, name: string, parameters: Record<string, string>): string =>
  `sites/${siteKey}/reports/${name}?${new URLSearchParams(
    Object.entries({ ...parameters, rules: chosen('rules') }).filter(([, value]) => value),
  )}`;

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

export interface Read<T> {
  data: T | undefined;
  /** The same, and nothing while it is of what was asked before. */
  current: T | undefined;
  problem: string | undefined;
  isLoading: boolean;
  /** How far the collector is with what it needs first, 0 to 1. */
  preparing: number | undefined;
  again: () => void;
}

/** Whether what was read is a report as it was made before, while a newer one is being made. */
export const isUpdating = (data: unknown): data is { asOf: number } =>
  !!(data as { updating?: boolean } | undefined)?.updating;

/** What is looked at for long is read again so often; and it rests so many times as long as the reading took. */
export const FRESH_MS = 60_000;
const FRESH_REST = 30;

/**
 * Reads what takes its time, once, and anew when something else is asked for. What is shown meanwhile is what was read before.
 * @param isLasting whether it is read again from time to time, while the page is in view
 */
export function useRead<T>(path: string | undefined, isLasting?: boolean): Read<T> {
  const [state, set] = useState<{
    path?: string | undefined;
    data?: T;
    problem?: string;
    isLoading: boolean;
    preparing?: number;
  }>({
    isLoading: !!path,
  });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let isGone = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    if (!path) return set({ isLoading: false });
    const readIn = (ms: number) => {
      timer = setTimeout(() => {
        if (!document.hidden) return setTimes(times + 1);
        const seen = () => setTimes(times + 1);
        document.addEventListener('visibilitychange', seen, { once: true });
        forget = () => document.removeEventListener('visibilitychange', seen);
      }, ms);
    };
    let forget = () => {};
    // What is there already stays as it is until there is something newer.
    set((last) => ({
      ...(last.data !== undefined && { data: last.data, path: last.path }),
      ...(last.preparing !== undefined && { preparing: last.preparing }),
      ...(last.path === path && last.problem !== undefined && { problem: last.problem }),
      isLoading: last.path !== path || last.data === undefined,
    }));
    const begun = Date.now();
    get<T>(path).then(
      (data) => {
        if (isGone) return;
        set({ path, data, isLoading: false });
        // A newer one is being made.
        if (isUpdating(data)) readIn(AGAIN_MS);
        else if (isLasting) readIn(Math.max(FRESH_MS, FRESH_REST * (Date.now() - begun)));
      },
      (error: Error) => {
        if (error instanceof SignedOut) signedOut();
        else if (isGone) return;
        else if (error instanceof Preparing) {
          set((last) => ({ ...last, isLoading: true, preparing: error.share }));
          readIn(AGAIN_MS);
        } else {
          set((last) => ({
            ...(last.path === path && last.data !== undefined && { path, data: last.data }),
            problem: error.message,
            isLoading: false,
          }));
          if (error instanceof Unreachable) readIn(EVERY_MS);
          else if (isLasting) readIn(FRESH_MS);
        }
      },
    );
    return () => {
      isGone = true;
      clearTimeout(timer);
      forget();
    };
  }, [path, times]);
  const current = state.path === path ? state.data : undefined;
  return {
    data: state.data,
    current,
    problem: state.problem,
    isLoading: state.isLoading,
    preparing: state.preparing,
    again: () => setTimes(times + 1),
  };
}

/** Reads a report of a site; parameters that are empty are left out, and without any nothing is asked. */
export function useReport<T>(siteKey: string, name: string, parameters: Record<string, string> | undefined): Read<T> {
  return useRead<T>(parameters && pathOf(siteKey, name, parameters), true);
}

const DOUBLE_MS = 1000;

/** For what makes something new: the second click of a double one, and one while the first is under way, do nothing. */
export function useOnceEach(): (what: unknown, run: () => Promise<unknown>) => Promise<void> {
  const last = useRef({ text: '', at: 0, isBusy: false });
  return async (what, run) => {
    const { current } = last;
    const text = JSON.stringify(what);
    if (current.isBusy || (current.text === text && Date.now() - current.at < DOUBLE_MS)) return;
    current.isBusy = true;
    try {
      await run();
    } finally {
      last.current = { text, at: Date.now(), isBusy: false };
    }
  };
}

/** Something that is changed on demand. @param done called when it was @returns why it was not, and what tries it */
export function useAttempt(
  done: () => void,
): [problem: string, attempt: (run: () => Promise<unknown>) => Promise<void>] {
  const [problem, setProblem] = useState('');
  const attempt = async (run: () => Promise<unknown>) => {
    try {
      await run();
      setProblem('');
      done();
    } catch (error) {
      setProblem(t('notSaved', { message: (error as Error).message }));
    }
  };
  return [problem, attempt];
}
