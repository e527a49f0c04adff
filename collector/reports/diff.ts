import diff from 'microdiff';
import type { Rules } from '../../sdk/core/index.js';

export interface RulesChange {
  /** Such as `stages.interest.when.any.0.within`. */
  path: string;
  /** What the template says; absent where it says nothing. */
  template?: unknown;
  /** What the site's rules say; absent where they say nothing. */
  site?: unknown;
}

/** Says in what a site's rules differ from a template's. Names, versions and labels decide nothing, and are left out. */
export function diffRules(template: Rules, site: Rules): RulesChange[] {
  const isMeant = (at: Array<string | number>) =>
    !['version', 'name', '$schema'].includes(String(at[0])) && at[at[0] === 'score' ? 3 : 2] !== 'label';
  const changes = diff(template, site).filter((change) => isMeant(change.path));
  return changes.map((change) => ({
    path: change.path.join('.'),
    ...(change.type !== 'CREATE' && { template: change.oldValue as unknown }),
    ...(change.type !== 'REMOVE' && { site: change.value as unknown }),
  }));
}
