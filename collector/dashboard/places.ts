/** Back, forward and reading anew lead to where somebody was on the page: it is drawn later than the browser itself would go there. */

/** Scrolling that rests for so long has come to its place. */
const REST_MS = 150;

/** What is on its way after so long is not waited for: whoever reads is not moved. */
const PATIENCE_MS = 5000;

const viewOf = (address: string) => address.split('?')[0];

export function keepPlaces(): void {
  history.scrollRestoration = 'manual';
  /** Where the page is to be once it is long enough; 0 where it is. */
  let wanted = 0;
  let noting: ReturnType<typeof setTimeout> | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const settle = () => (wanted = 0);
  const approach = () => {
    if (!wanted) return;
    scrollTo(0, wanted);
    if (Math.abs(scrollY - wanted) < 2) settle();
  };
  /** Goes to where the entry of the history was left; one that is new has no place yet. */
  const arrive = () => {
    clearTimeout(noting);
    clearTimeout(waiting);
    wanted = (history.state as { place?: number } | null)?.place ?? 0;
    waiting = setTimeout(settle, PATIENCE_MS);
    approach();
  };
  addEventListener('scroll', () => {
    clearTimeout(noting);
    if (!wanted) noting = setTimeout(() => history.replaceState({ place: scrollY }, ''), REST_MS);
  });
  addEventListener('hashchange', ({ oldURL, newURL }) => {
    arrive();
    if (!wanted && viewOf(oldURL) !== viewOf(newURL)) scrollTo(0, 0);
  });
  for (const sign of ['wheel', 'pointerdown', 'keydown', 'touchstart']) addEventListener(sign, settle);
  new ResizeObserver(approach).observe(document.body);
  arrive();
}
