import { decode } from '../core/index.js';
import { mask } from '../mask.js';
import { attributeOf, closestOf, later, recordCaptured } from '../record.js';
import { isWanted } from '../settings.js';
import { afterwards, markedProps, onDeed } from './deeds.js';

/** File types whose links are downloads: the common ones of GA4's list, and today's books and installers. */
const DOWNLOADS = /\.(pdf|docx?|xlsx?|pptx?|csv|txt|zip|rar|7z|gz|exe|dmg|pkg|apk|epub|mp[34]|mov)$/i;

/** Records downloads and links that leave the site, whichever button opened them, and elements that name their event. */
export function captureClicks(): void {
  const follow = (event: MouseEvent) => {
    const marked = closestOf(event, '[data-st-event]:not(form)');
    if (marked && event.type === 'click') recordCaptured(attributeOf(marked, 'data-st-event')!, markedProps(marked));

    const link = closestOf(event, 'a,area');
    const given = link && (attributeOf(link, 'href') ?? attributeOf(link, 'xlink:href'));
    // auxclick comes for the right button too, which opens nothing.
    if (given == null || event.button > 1) return;
    const url = new URL(given, link!.baseURI);
    const { host, hostname, pathname, protocol, search } = url;
    const saved = attributeOf(link!, 'download');
    // An address without a host may be the file itself, and tells no name.
    const file = hostname ? decode(pathname.split('/').pop()!) : '';
    // Without the name and password that an address may hold.
    const link_url = hostname ? mask(`${protocol}//${host}${pathname}${search}`) : protocol;
    const isOutside = hostname && hostname !== location.hostname;
    const isOwn = isOutside && later.giveLink?.(link!, url, given);
    afterwards(() => {
      if (event.defaultPrevented) return;
      const isKnown = DOWNLOADS.test(file);
      if (saved != null || isKnown) {
        const link_text = link!.textContent!.trim().slice(0, 100);
        const file_name = saved || file;
        // A name that `download` gives need not have one.
        const file_extension = (isKnown ? file : file_name).split('.').slice(1).pop() ?? '';
        if (isWanted('downloads')) recordCaptured('file_download', { file_name, file_extension, link_url, link_text });
      } else if (isWanted('outbound') && isOutside && !isOwn) {
        // Addresses without a host, such as mailto:, lead to no other site.
        recordCaptured('outbound_click', { link_url });
      }
    });
  };
  onDeed(/click/, follow);
}
