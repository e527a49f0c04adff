import type { Stage } from '../core/index.js';
import { attempt } from '../core/matcher.js';
import { ofDocument } from '../settings.js';

/**
 * Shows the elements whose `data-st-show` names the stage or a tag (`tag:NAME`), and hides the others and those whose
 * `data-st-hide` does. One rule in a style sheet of its own: nothing in the page is touched, what comes later is covered, and the
 * head snippet can set the same rule before the first paint. A constructed sheet needs no permission of a content security policy.
 * @returns the rule
 */
export function showSlots(stage: Stage | null, tags: string[]): string {
  const words = tags.map((tag) => `tag:${tag}`).concat(stage ?? []);
  const others = words.map((word) => `:not([data-st-show~="${word}"])`).join('');
  const rule = `[data-st-show]${others}${words.map((word) => `,[data-st-hide~="${word}"]`).join('')}{display:none!important}`;
  attempt(() => {
    // The head snippet leaves its sheet here.
    const root = ofDocument('documentElement') as HTMLElement & { stagetag?: CSSStyleSheet };
    const sheet = (root.stagetag ??= new CSSStyleSheet());
    sheet.replaceSync(rule);
    const sheets = document.adoptedStyleSheets;
    if (!sheets.includes(sheet)) document.adoptedStyleSheets = [...sheets, sheet];
  });
  return rule;
}
