/** Lifecycle: who is new, comes back, stays away, by days, weeks or whatever the periods are. */

export const LIFECYCLE = ['new', 'returning', 'resurrected', 'dormant', 'churned'] as const;
export type LifecycleState = (typeof LIFECYCLE)[number];

/**
 * Says what somebody is in each period in which they are anything: dormant in the first without activity after one with, churned
 * in the one in which they have been away for `churnAfter`; in others they are not counted.
 * @param active numbers of the periods with activity, in any order @param last the last period that is looked at
 */
export function lifecycleOf(active: number[], last: number, churnAfter = Infinity): Map<number, LifecycleState> {
  const states = new Map<number, LifecycleState>();
  let before: number | undefined;
  for (const period of [...new Set(active)].sort((a, b) => a - b)) {
    const gap = before === undefined ? 0 : period - before;
    if (before !== undefined && gap > 1) leave(states, before, period - 1, churnAfter);
    states.set(period, before === undefined ? 'new' : gap === 1 ? 'returning' : 'resurrected');
    before = period;
  }
  if (before !== undefined) leave(states, before, last, churnAfter);
  return states;
}

function leave(states: Map<number, LifecycleState>, before: number, until: number, churnAfter: number): void {
  if (before + 1 <= until) states.set(before + 1, 'dormant');
  if (churnAfter > 1 && before + churnAfter <= until) states.set(before + churnAfter, 'churned');
}
