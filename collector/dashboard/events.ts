import { KNOWN_EVENTS } from '../../sdk/core/index.js';

/** Names of events that are known to every site: those that tell most of what is recorded by itself, and those known by name. */
export const EVENTS = [
  ...'page_view file_download outbound_click form_start form_submit search scroll'.split(' '),
  ...KNOWN_EVENTS,
];
