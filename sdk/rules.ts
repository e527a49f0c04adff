import type { CompiledRules } from './core/index.js';

/** Rules that say nothing, until the first answer brings the site's. */
export const NO_RULES: CompiledRules = {
  version: 0,
  signals: {},
  stages: {},
  tags: {},
  windows: [],
};
