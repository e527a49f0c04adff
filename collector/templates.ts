/** Templates: rules to begin with, for a trade. Each is a file; another one is another file, and no code. */
import fs from 'node:fs';
import path from 'node:path';
import { parseRules, type Json, type Rules, type Stage } from '../sdk/core/index.js';
import { root } from './assets.js';

/** A text in the languages of the product. */
export interface Label {
  en: string;
  zh: string;
}

/** What a stage is measured by: who carried a signal, how often, or what it adds up to. */
export interface Kpi {
  label: Label;
  signal: string;
  measure: 'visitors' | 'count' | 'value';
}

/** One thing that an invented visitor does; a page view where no event is named. */
export interface DemoStep {
  event?: string;
  path: string;
  /** `"#"` stands for a text of its own each time, `[from, to]` for an amount between the two. */
  props?: Record<string, Json>;
}

export interface Template {
  name: string;
  title: Label;
  about: Label;
  kpis: Record<Stage, Kpi>;
  /** Sessions that bring a visitor to a stage, one of which an invented visitor has. */
  demo: Record<Stage, DemoStep[][]>;
  rules: Rules;
}

const folder = path.join(root, 'sdk/core/templates');

/** Names of the templates that ship; `general` first, which is the default. */
export function templateNames(): string[] {
  const names = fs.readdirSync(folder).map((file) => path.basename(file, '.json'));
  return names.sort((a, b) => +(b === 'general') - +(a === 'general') || (a < b ? -1 : 1));
}

/** Reads a template; undefined where there is none of that name. */
export function readTemplate(name: string): Template | undefined {
  if (!templateNames().includes(name)) return undefined;
  const { rules, ...rest } = JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8')) as Omit<
    Template,
    'name'
  >;
  const parsed = parseRules(rules);
  if ('errors' in parsed) throw new Error(`template ${name}: ${JSON.stringify(parsed.errors)}`);
  return { ...rest, name, rules: parsed.rules };
}
