// Measures what each capability adds to what a page loads: both files are built without it, and weighed. `npm run bench:size`.
import zlib from 'node:zlib';
import { rollup } from 'rollup';
import { found } from '../../rollup.arrange.mjs';
import configs, { fillTag } from '../../rollup.config.mjs';

/** By the name of a capability: the module that holds it, and what takes its place. */
const PARTS = {
  'web vitals': ['later/webVitals', 'export const captureWebVitals = () => {};'],
  'forms, sent and abandoned': ['later/form', 'export const captureForms = () => {};'],
  'clicks: downloads, links that leave, marked elements': ['later/click', 'export const captureClicks = () => {};'],
  'elements in view': ['later/impressions', 'export const captureImpressions = () => {};'],
  'engaged time': ['later/engagement', 'export const captureEngagement = () => {};'],
  'scroll depth': ['later/scroll', 'export const captureScroll = () => {};'],
  'why()': ['core/why', 'export const explainStage = () => {};'],
  'personal parameters masked': [
    'sdk/mask',
    'export const mask = (text) => text, maskFields = () => {}, searchNames = () => [];',
  ],
  'payment and sign-in returns': ['sdk/returns', "export const isReturn = () => false, referrerHost = () => '';"],
  'slots for a stage': ['expose/slots', "export const showSlots = () => '';"],
  'what is done before the second file is here, and names of form fields masked': [
    'sdk/watch',
    'export const watchDeeds = () => {};',
  ],
  'a bounded queue that owns up to its losses': [
    'later/numbering',
    'export const trimQueue = () => {}, lostOf = () => 0, number = (item) => item;',
  ],
};

const weigh = (code) => zlib.brotliCompressSync(code, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

/** The two files, by where they are put. */
const FILES = [configs[0], configs.find(({ output }) => output.file === 'dist/tag/stagetag.js')];

/** Bytes of the script tag's two files without one module. */
async function build(left, fill = fillTag) {
  const [path, instead] = left ?? [];
  const leaveOut = {
    name: 'leave-out',
    transform: (code, id) => (path && id.endsWith(`${path}.js`) ? instead : code),
  };
  const weights = [];
  for (const { input, external, output, treeshake, plugins } of FILES) {
    const kept = plugins.filter(({ name }) => name !== 'size' && name !== 'clear-tag');
    const bundle = await rollup({ input, external, treeshake, plugins: [leaveOut, ...kept], logLevel: 'silent' });
    const [{ code }] = (await bundle.generate(output)).output;
    weights.push(weigh(Buffer.from(input.includes('late') ? code : await fill(code))));
  }
  return weights[0] + weights[1];
}

const built = await build();
// What is left without a part has no order that was found for it: all is weighed in the order in which it is written.
for (const name of Object.keys(found)) delete found[name];
const all = await build();
const rows = [];
for (const [name, part] of Object.entries(PARTS)) rows.push([name, all - (await build(part))]);
rows.push(["the site's rules (template `general`)", all - (await build(undefined, (code) => code))]);
rows.sort((a, b) => b[1] - a[1]);
console.log('| what a page would not load without | bytes, brotli |');
console.log('| --- | ---: |');
for (const [name, bytes] of rows) console.log(`| ${name} | ${bytes} |`);
console.log(`| everything | ${all} |`);
console.log(`| everything, in the order and with the names that compress best | ${built} |`);
