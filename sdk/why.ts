/** The words of `why()`, for pages that show them: `import { sayWhy } from 'stagetag/why'`, or `/t/why.js` of the collector. */
export { sayPart, sayWhy, type Called, type Language } from './core/whyWords.js';
