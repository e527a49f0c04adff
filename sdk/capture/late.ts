/** What can wait until the page is shown: a second file of the tag, which the first loads when the page has nothing better to do. */
import { guard, ofDocument, settings } from '../settings.js';
import { address, farewells, markedProps, on, recordCaptured } from '../record.js';
import type { Capture } from '../start.js';

/** The build puts the file's name and its hash here, so that a page that pins the first file has pinned this one too. */
declare const __STAGETAG_LATE__: [file: string, integrity: string];

/** What the later captures need of the SDK that is on the page. */
export const lateTools = { record: recordCaptured, on, farewells, address, props: markedProps, guard };
export type LateTools = typeof lateTools & { has: (word: string) => boolean };

/** Loads a further file of the tag, and leaves it what it needs on its own element. */
export function loadPart(file: string, tools: object, integrity = ''): void {
  const script = document.createElement('script');
  Object.assign(script, {
    src: `${settings.endpoint}/t/${file}`,
    crossOrigin: 'anonymous',
    integrity,
    stagetag: tools,
  });
  (ofDocument('head') ?? ofDocument('documentElement')).append(script);
}

/** Loads the captures of scrolling, engagement, impressions and web vitals. */
export const loadLateCaptures: Capture = (has) => {
  // Safari has no requestIdleCallback.
  (window.requestIdleCallback ?? setTimeout)(
    guard(() => loadPart(__STAGETAG_LATE__[0], { ...lateTools, has }, __STAGETAG_LATE__[1])),
  );
};
