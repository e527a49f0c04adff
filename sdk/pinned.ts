/** The file that a page can pin by its hash: the whole SDK in one, with no site's settings. The first answer brings the rules. */
import { start } from './later/late.js';
import { NO_RULES } from './rules.js';
import { startTag } from './tag.js';

startTag({ rules: NO_RULES }, start);
