/** Where the keyboard stands is not lost when what it stood on goes, or is out of use for a while. */

const STOPS = ':is(button, a[href], input, select, textarea, summary, [tabindex="0"]):not(:disabled)';
const stopsIn = (place: Element) =>
  [...place.querySelectorAll<HTMLElement>(STOPS)].filter((each) => each.checkVisibility?.() ?? true);

/**
 * Whoever removes something by its button goes on with what took its place, or the last before it, in the same card; and who asked for
 * something by a button that is out of use until the answer is there stands on it again.
 */
export function keepFocus(): void {
  let last: { stop: HTMLElement; card: Element; at: number; wasDisabled: boolean } | undefined;
  document.addEventListener('focusin', ({ target }) => {
    const stop = target as HTMLElement;
    const card = stop.closest('.card') ?? stop.closest('main');
    last = card ? { stop, card, at: stopsIn(card).indexOf(stop), wasDisabled: false } : undefined;
  });
  // Who clicks beside everything wants to stand nowhere.
  document.addEventListener('pointerdown', ({ target }) => {
    if (!(target as Element).closest(STOPS)) last = undefined;
  });
  new MutationObserver(() => {
    if (!last || document.activeElement !== document.body) return;
    const { stop, card, at, wasDisabled } = last;
    const isDisabled = stop.matches(':disabled');
    if (!stop.isConnected) {
      // With its card gone another view is there, which begins at its beginning.
      const stops = card.isConnected ? stopsIn(card) : [];
      last = undefined;
      const next = stops[Math.min(at, stops.length - 1)] ?? document.getElementById('main');
      next?.focus({ preventScroll: true });
    } else if (isDisabled) last.wasDisabled = true;
    else if (wasDisabled) stop.focus({ preventScroll: true });
  }).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
}
