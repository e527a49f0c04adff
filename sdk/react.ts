/** For React: `useStage()`. */
import { useSyncExternalStore } from 'react';
import type { Stagetag, State } from './bare.js';

/** The stage's state that a component was rendered with; the same object until it changes, as React asks. */
let shown: State | undefined;

/**
 * The visitor's state, kept up to date; undefined on a server and until the SDK runs.
 * @param stagetag what `init` returned; the script tag's where absent
 * @example const stage = useStage()?.stage;
 */
export function useStage(stagetag?: Stagetag): State | undefined {
  return useSyncExternalStore(
    (changed) => {
      shown = undefined; // It may have changed while nobody listened.
      const tell = (event: Event) => {
        shown = (event as CustomEvent<State>).detail;
        changed();
      };
      document.addEventListener('stagetag:state', tell);
      return () => document.removeEventListener('stagetag:state', tell);
    },
    () => (shown ??= (stagetag ?? (window as { stagetag?: Partial<Stagetag> }).stagetag)?.state?.()),
    () => undefined,
  );
}
