import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EARLY_REFUSALS } from '../../collector/ingest/door.js';
import { REFUSALS } from '../../collector/ingest/ingest.js';
import { REPORTS } from '../../collector/reports/reports.js';
import { templateNames } from '../../collector/templates.js';
import {
  AUTOMATIC_EVENTS,
  CHANNEL_NAMES,
  EVENT_REASONS,
  KNOWN_EVENTS,
  LINT_CODES,
  STAGES,
} from '../../sdk/core/index.js';
import { runCommand } from '../helpers/process.js';

const read = (file: string) => fs.readFileSync(file, 'utf8');
const readmes = ['README.md', 'README.zh-CN.md'];

describe.each(readmes)('%s', (file) => {
  const text = read(file);

  test('names every option of serve and its environment variable', () => {
    const { stdout } = runCommand(['serve', '--help']);
    const options = stdout.match(/--[a-z-]+(?= <)/g)!;
    const variables = stdout.match(/STAGETAG_[A-Z_]+/g)!;
    expect(options.length).toBeGreaterThanOrEqual(8);
    expect(variables.length).toBeGreaterThanOrEqual(7);
    for (const name of [...options, ...variables]) expect(text).toContain(name);
  });

  test('names every command', () => {
    const { stdout } = runCommand(['--help']);
    const commands = [...stdout.matchAll(/^ {2}(?!help)([a-z-]+) /gm)].map(([, name]) => name!);
    expect(commands.length).toBeGreaterThanOrEqual(7);
    for (const command of commands) expect(text).toContain(`stagetag -- ${command}`);
  });

  test('names every call of the page API', () => {
    const api = /export interface Stagetag \{(.*?)\n\}/s.exec(read('sdk/start.ts'))![1]!;
    const calls = [...api.matchAll(/^ {2}(?:readonly )?(\w+)[(:<]/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'siteKey');
    expect(calls).toHaveLength(11);
    for (const call of calls) expect(text).toMatch(new RegExp(`\\b${call}\\b`));
  });

  test('gives the budget that the build enforces', () => {
    const budget = Number(/TAG_BUDGET = ([\d_]+)/.exec(read('rollup.config.mjs'))![1]!.replace('_', ''));
    expect(text).toContain(`**${budget / 1000} kB**`);
  });

  test('names every attribute of the tag', () => {
    const attributes = /const ATTRIBUTES[^{]*\{(.*?)\n\};/s.exec(read('sdk/debug.ts'))![1]!;
    const names = [...attributes.matchAll(/^ {2}(\w+):/gm)]
      .map(([, name]) => name!)
      .filter((name) => name !== 'siteKey');
    expect(names.length).toBeGreaterThanOrEqual(14);
    for (const name of names)
      expect(text).toContain(`data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`);
  });

  test('gives a head snippet of less than 300 bytes', () => {
    const snippet = /<script>try\{.*<\/script>/.exec(text)![0].replace('YOUR_SITE_KEY', 'st_000000000000000000');
    expect(snippet.length).toBeLessThan(300);
    expect(read('demo-site/pages/layout.en.html')).toContain(snippet.replace('st_000000000000000000', '{{siteKey}}'));
  });
});

test('the Chinese README names every stage', () => {
  for (const stage of STAGES) expect(read('README.zh-CN.md')).toContain(stage);
});

test('every event that is known by name is documented', () => {
  const text = read('docs/model.md');
  for (const name of [...AUTOMATIC_EVENTS, ...KNOWN_EVENTS]) expect(text).toContain(`\`${name}\``);
});

test('every report, template, channel and warning of the lint is documented', () => {
  const text = read('docs/model.md');
  const names = [...REPORTS, ...templateNames(), ...Object.keys(LINT_CODES), ...CHANNEL_NAMES];
  for (const name of names) expect(text).toContain(`\`${name}\``);
  for (const file of readmes) for (const name of REPORTS) expect(read(file)).toContain(name);
});

test('every reason for a refusal is documented with its status', () => {
  const text = read('docs/refusals.md').replace(/ +/g, ' '); // Its tables are aligned with spaces.
  for (const [reason, { status, isKept }] of Object.entries(REFUSALS)) {
    expect(text).toContain(`| \`${reason}\` | ${status} | ${isKept ? 'yes' : 'no'} |`);
  }
  for (const [reason, status] of Object.entries(EARLY_REFUSALS))
    expect(text).toMatch(new RegExp(`\\| \`${reason}\` +\\| ${status} `));
  for (const reason of Object.keys(EVENT_REASONS)) expect(text).toContain(`| \`${reason}\` |`);
});
