/** For Vue: `useStage()`. */
import { getCurrentInstance, onMounted, onScopeDispose, shallowReadonly, shallowRef, type ShallowRef } from 'vue';
import type { Stagetag, State } from './bare.js';

/**
 * The visitor's state, kept up to date; undefined on a server and until the SDK runs.
 * @param stagetag what `init` returned; the script tag's where absent
 * @example const state = useStage(); // in the template: {{ state?.stage }}
 */
export function useStage(stagetag?: Stagetag): Readonly<ShallowRef<State | undefined>> {
  const state = shallowRef<State>();
  if (typeof document !== 'undefined') {
    const read = () => (state.value = (stagetag ?? (window as { stagetag?: Partial<Stagetag> }).stagetag)?.state?.());
    const tell = (event: Event) => (state.value = (event as CustomEvent<State>).detail);
    const begin = () => {
      read();
      document.addEventListener('stagetag:state', tell);
    };
    // What a server rendered is taken over as it is, and then brought up to date.
    if (getCurrentInstance()) onMounted(begin);
    else begin();
    onScopeDispose(() => document.removeEventListener('stagetag:state', tell));
  }
  return shallowReadonly(state);
}
