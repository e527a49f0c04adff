import { decode, type Json } from '../core/index.js';
import { closestOf, on, recordCaptured } from '../record.js';
import { settings } from '../settings.js';

/** File types whose links are downloads: the common ones of GA4's list, and today's books and installers. */
const DOWNLOADS = /\.(pdf|docx?|xlsx?|pptx?|csv|txt|zip|rar|7z|gz|exe|dmg|pkg|apk|epub|mp[34]|mov)$/i;

/** Records downloads and links that leave the site, whichever button opened them, and elements that name their event. */
export function captureClicks(hasDownloads: boolean, hasOutbound: boolean): void {
  const follow = (event: MouseEvent) => {
    const link = closestOf(event, '[href]');
    // auxclick comes for the right button too, which opens nothing.
    if (!link || event.defaultPrevented || event.button > 1) return;
    const { hostname, pathname, href } = new URL(link.getAttribute('href')!, link.baseURI);
    const file = decode(pathname.split('/').pop()!);
    const name = link.getAttribute('download') || file;
    const link_url = href.split('#')[0]!;
    if (DOWNLOADS.test(file) || link.hasAttribute('download')) {
      const link_text = link.textContent!.trim().slice(0, 100);
      const file_extension = file.split('.').slice(1).pop() ?? '';
      if (hasDownloads) recordCaptured('file_download', { file_name: name, file_extension, link_url, link_text });
    } else if (hasOutbound && hostname && hostname !== location.hostname && !settings.hosts?.includes(hostname)) {
      // Addresses without a host, such as mailto:, lead to no other site.
      recordCaptured('outbound_click', { link_url });
    }
  };
  /** Records the event that an element's `data-st-event` names, when it is clicked, or submitted if it is a form. */
  const mark = (event: Event) => {
    const element = closestOf(event, '[data-st-event]');
    if (!element || (event.type === 'submit') !== element.matches('form')) return;
    const props: Record<string, Json> = {};
    for (const { name, value } of element.attributes) {
      const key = name.split('data-st-prop-')[1];
      // Attributes are texts; a number written in one is meant as a number, so that rules can add it up.
      if (key) props[key] = value && isFinite(+value) ? +value : value;
    }
    recordCaptured(element.dataset.stEvent!, props);
  };
  on('click', mark);
  on('submit', mark);
  on('click', follow);
  on('auxclick', follow);
}
