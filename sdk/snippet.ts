/** The script tag's file, `/t/KEY.js`: the site's settings and rules are inside, and a second file is loaded. */
import { loadLater } from './load.js';
import type { Started } from './start.js';
import { startTag } from './tag.js';

/** The collector puts the site's settings here when it serves the file. */
declare const __STAGETAG_SITE__: Pick<Started, 'siteKey' | 'hosts' | 'rules'>;

startTag(__STAGETAG_SITE__, loadLater);
