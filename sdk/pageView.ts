import { attempt } from './core/matcher.js';
import { searchNames } from './mask.js';
import { address, arrive, later, on, recordCaptured } from './record.js';
import { guard, isWanted, ofDocument } from './settings.js';
import type { Capture } from './start.js';

/** @see https://developer.mozilla.org/docs/Web/API/Navigation */
declare const navigation: EventTarget;

/** Records a page view for the first page, each change of route, and each return from the back/forward cache; and what was searched for. */
export const capturePageViews: Capture = () => {
  const searched = (url?: string) => {
    const query = new URL(url ?? 'a:').searchParams;
    return searchNames()
      .map((name) => query.get(name))
      .find(Boolean);
  };
  let viewed: string | undefined;
  const view = () => {
    const before = searched(viewed);
    viewed = address();
    arrive(viewed);
    if (isWanted('page')) recordCaptured('page_view');
    const search_term = searched(viewed);
    // The next page of the results is no other search.
    if (isWanted('search') && search_term && search_term !== before) recordCaptured('search', { search_term });
  };
  // Routers replace the state of a page without leaving it: only another address is another view.
  const move = () => {
    if (address() !== viewed) view();
  };
  const start = () => {
    view();
    later.move = move;
    // For routers that use neither, in browsers that have it.
    attempt(() => navigation.addEventListener('currententrychange', guard(move)));
    on('popstate', move); // Comes for a change of the fragment too.
    on('pageshow', ({ persisted }: PageTransitionEvent) => persisted && view());
  };
  // A prerendered page is viewed when it is shown: https://developer.mozilla.org/docs/Web/API/Document/prerendering
  if (ofDocument('prerendering' as 'hidden')) on('prerenderingchange', start);
  else start();
};
