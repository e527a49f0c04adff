import { address, cameFrom, on, recordCaptured } from '../record.js';

/** Records a page view for the first page, each change of route, and each return from the back/forward cache. */
export function capturePageViews(): void {
  const view = () => recordCaptured('page_view');
  // Routers replace the state of a page without leaving it: only another address is another view.
  const move = () => {
    if (address() !== cameFrom) view();
  };
  const start = () => {
    view();
    for (const method of ['pushState', 'replaceState'] as const) {
      const original = history[method];
      history[method] = (...args) => {
        original.apply(history, args);
        move();
      };
    }
    on('popstate', move); // Comes for a change of the fragment too.
    on('pageshow', ({ persisted }: PageTransitionEvent) => persisted && view());
  };
  // A prerendered page is viewed when it is shown: https://developer.mozilla.org/docs/Web/API/Document/prerendering
  if ((document as { prerendering?: boolean }).prerendering) document.addEventListener('prerenderingchange', start);
  else start();
}
