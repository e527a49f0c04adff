/** What a template makes of visitors who were invented for its trade: seen before it is put in force. */
import { compileRules, inferState, rank, STAGES, type Stage } from '../../sdk/core/index.js';
import { factsOf } from '../ingest/fold.js';
import type { Template } from '../templates.js';
import { invent } from './demoData.js';

export interface TemplateDemo {
  visitors: number;
  /** Where they stand in the end, how many ever got at least so far, and the share of those of the stage before. */
  stages: Array<{ stage: Stage; current: number; reached: number; fromPrevious: number | null }>;
  /** How many have each tag in the end. */
  tags: Array<{ tag: string; visitors: number }>;
}

const OPTIONS = { days: 60, visitors: 300, seed: 1 };
/** After so many others have their turn. */
const TURN = 10;

/** Shows what stages and tags invented visitors get by a template; nothing is stored. */
export async function demoOf(template: Template, now: number): Promise<TemplateDemo> {
  const rules = compileRules(template.rules);
  const timeline = { at: () => rules };
  const current = new Map<Stage | null, number>();
  const peaks: Stage[] = [];
  const tags = new Map<string, number>();
  let visitors = 0;
  for (const { isBot, batches } of invent('https://demo.example', template, { ...OPTIONS, now })) {
    if (isBot) continue;
    const events = batches.flatMap((batch) =>
      batch.events.map((event) => ({ event, receivedAt: batch.sentAt, bot: null })),
    );
    const state = inferState(rules, factsOf(timeline, events), now);
    current.set(state.stage, (current.get(state.stage) ?? 0) + 1);
    if (state.peak) peaks.push(state.peak);
    for (const tag of state.tags) tags.set(tag, (tags.get(tag) ?? 0) + 1);
    if (!(++visitors % TURN)) await new Promise(setImmediate);
  }
  const reached = STAGES.map((stage) => peaks.filter((peak) => rank(peak) >= rank(stage)).length);
  return {
    visitors,
    stages: STAGES.map((stage, index) => ({
      stage,
      current: current.get(stage) ?? 0,
      reached: reached[index]!,
      fromPrevious: index && reached[index - 1] ? reached[index]! / reached[index - 1]! : null,
    })),
    tags: Object.keys(template.rules.tags ?? {}).map((tag) => ({ tag, visitors: tags.get(tag) ?? 0 })),
  };
}
