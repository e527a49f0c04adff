/** Bundles what browsers load from what `tsc -b` put into dist/. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { compileMessage } from '@lingui/message-utils/compileMessage';
import resolve from '@rollup/plugin-node-resolve';
import replace from '@rollup/plugin-replace';
import swc from '@swc/core';
import * as terser from 'terser';
import { arrange, brotliSize, walk } from './rollup.arrange.mjs';

/** The main script with the default rules inside, as a page receives it; and with all that it loads by itself later. */
const TAG_BUDGET = 7_000;
const TOTAL_BUDGET = 10_000;

/** Names of properties that the tag's two files alone have between them, and which may be shortened in both. */
const PRIVATE_NAMES =
  'startedAt fields retryAfterMs answer wake leave run stagetagPath isHere rows today take giveLink move';
const nameCache = {};
const props = { builtins: true, regex: new RegExp(`^(${PRIVATE_NAMES.split(' ').join('|')})$`) };

/**
 * Two minifiers, since each finds what the other leaves: together 2 % smaller than the better one alone.
 * Nothing of ours has getters with effects, uses `arguments` or `this` in plain functions, or compares what has no order.
 */
const minifyTag = (isSought = false) => ({
  name: 'minify-tag',
  async renderChunk(code, chunk, { format }) {
    const compress = {
      unsafe: true,
      passes: 4,
      toplevel: true,
      pure_getters: true,
      negate_iife: false,
      sequences: false,
      unsafe_methods: true,
      if_return: false,
      side_effects: false,
    };
    const module = format === 'es';
    const first = await swc.minify(code, { compress, mangle: { toplevel: true }, ecma: 2020, module });
    const { code: short } = await terser.minify(first.code, {
      compress: {
        ecma: 2020,
        toplevel: true,
        unsafe_arrows: true,
        unsafe_comps: true,
        inline: 1,
        unsafe: true,
        unsafe_methods: true,
        pure_getters: true,
        comparisons: false,
        side_effects: false,
        passes: 2,
      },
      mangle: { toplevel: true, properties: props },
      nameCache,
      module,
    });
    const fill = isFilled(short) ? await filler() : undefined;
    return arrange(short, { parse: this.parse, fill, isSought });
  },
  // Rollup ends a file with the only line break in it, which would cost a dozen bytes.
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) if (file.code) file.code = file.code.trimEnd();
  },
});
/** Two as well; of what is not all ours nothing is presumed. */
const minify = {
  name: 'minify',
  async renderChunk(code) {
    const { code: first } = await swc.minify(code, {
      compress: { passes: 4, toplevel: true },
      mangle: { toplevel: true },
      ecma: 2020,
      module: true,
    });
    const { code: short } = await terser.minify(first, {
      ecma: 2020,
      module: true,
      compress: { passes: 4, toplevel: true },
    });
    return short;
  },
};

/** What an earlier build named otherwise goes. */
const clearTag = {
  name: 'clear-tag',
  generateBundle: () => fs.rmSync('dist/tag', { recursive: true, force: true }),
};

/** What the second file uses of the first: [module, name]. It is given as the arguments of `start`, in this order. */
const shared = [];

/** Makes the second file a function of what it uses of the first, which is not built into it again. */
const takeShared = {
  name: 'take-shared',
  renderChunk(code) {
    const nodes = this.parse(code).body.filter(({ type }) => /^(Import|ExportNamed)Declaration$/.test(type));
    const imports = nodes.flatMap(({ source, specifiers }) =>
      source
        ? specifiers.map(({ imported, local }) => [
            path.resolve('dist/sdk/later', source.value),
            imported.name,
            local.name,
          ])
        : [],
    );
    shared.splice(0, Infinity, ...imports);
    const body = nodes.reduceRight((text, { start, end }) => text.slice(0, start) + text.slice(end), code);
    return `export function start(${imports.map(([, , local]) => local)}) {\n${body}\nstart();\n}`;
  },
};

/** Puts the name of the second file, which is built by now, into the first, and what that uses. */
const giveShared = {
  name: 'give-shared',
  transform(code, id) {
    if (!id.endsWith('/sdk/load.js')) return null;
    const file = fs.readdirSync('dist/tag').find((name) => name.startsWith('late-'));
    const imports = shared.map(
      ([from, name], at) => `import { ${name} as shared${at} } from ${JSON.stringify(from)};\n`,
    );
    return (
      imports.join('') +
      code
        .replace('__STAGETAG_LATE__', JSON.stringify(file))
        .replace('__STAGETAG_SHARED__', `[${shared.map((_, at) => `shared${at}`)}]`)
    );
  },
};

let sum = 0;

/** What a dashboard's first view loads, and all that it may ever load, with the charts. */
const FIRST_VIEW_BUDGET = 60_000;
const DASHBOARD_BUDGET = 250_000;

/** Prints what each file weighs, and fails the build above a budget. @param all of the files of a bundle together; `budget` is then of the one that loads the others */
function size({ budget: own, total, all, fill = (code) => code } = {}) {
  return {
    name: 'size',
    async writeBundle(_, bundle) {
      let together = 0;
      for (const { type, fileName, code, isEntry } of Object.values(bundle)) {
        if (type !== 'chunk') continue;
        const budget = !all || isEntry ? own : undefined;
        const bytes = Buffer.from(await fill(code));
        const brotli = brotliSize(bytes);
        const gzip = zlib.gzipSync(bytes, { level: 9 }).length;
        const limit = budget ? `, budget ${budget}` : '';
        console.log(`${fileName}: ${bytes.length} bytes, gzip ${gzip}, brotli ${brotli}${limit}`);
        together += brotli;
        if (budget && brotli > budget)
          this.error(`${fileName} is ${brotli - budget} bytes over its budget of ${budget} (brotli)`);
        if (total) {
          sum += brotli;
          console.log(`what a page loads: ${sum} bytes brotli, budget ${total}`);
          if (sum > total)
            this.error(
              `what a page loads is ${sum - total} bytes over its budget of ${total} (brotli); npm run order may help`,
            );
        } else if (fileName.startsWith('late-')) sum = brotli;
      }
      if (!all) return;
      console.log(`all together: ${together} bytes brotli, budget ${all}`);
      if (together > all) this.error(`all together is ${together - all} bytes over its budget of ${all} (brotli)`);
    },
  };
}

/** Makes what puts the default rules where the collector puts a site's. */
async function filler() {
  const { compileRules, sentRules } = await import('./dist/sdk/core/index.js');
  const { toLiteral } = await import('./dist/collector/routes/tag.js');
  const template = JSON.parse(fs.readFileSync('sdk/core/templates/general.json', 'utf8'));
  const rules = sentRules(compileRules({ ...template.rules, version: 1 }));
  const site = toLiteral({ siteKey: 'st_93d0b7c41fe2a85d60', rules });
  return (code) => {
    if (code.split('__STAGETAG_SITE__').length !== 2)
      throw new Error('the place for the site settings must occur once');
    return code.replace('__STAGETAG_SITE__', () => site);
  };
}

/** The tag with the default rules inside. */
export const fillTag = async (code) => (await filler())(code);

/** Writes the dashboard's page and style beside its scripts, under names that hold a hash. */
function dashboardPage() {
  return {
    name: 'dashboard-page',
    // What an earlier build named otherwise goes.
    buildStart: () => fs.rmSync('dist/dashboard', { recursive: true, force: true }),
    generateBundle(_, bundle) {
      const style = this.emitFile({
        type: 'asset',
        name: 'style.css',
        source: fs.readFileSync('collector/dashboard/style.css'),
      });
      const entry = Object.values(bundle).find((file) => file.isEntry);
      const page = fs
        .readFileSync('collector/dashboard/index.html', 'utf8')
        .replace('{{style}}', this.getFileName(style))
        .replace('{{script}}', entry.fileName);
      this.emitFile({ type: 'asset', fileName: 'index.html', source: page });
    },
  };
}

const COMPILER = '@lingui/message-utils/compileMessage';

/** Compiles the dashboard's texts from ICU patterns to what the library makes them of, so that no page loads the compiler. */
const compileTexts = {
  name: 'compile-texts',
  // The library takes the compiler along, for texts that are compiled when they are shown.
  resolveId: (id) => (id === COMPILER ? id : null),
  load: (id) => (id === COMPILER ? 'export const compileMessage = undefined;' : null),
  transform(code, id) {
    if (!id.endsWith('/dashboard/texts.js')) return null;
    const tables = this.parse(code).body.filter(({ declarations }) => /^(en|zh)$/.test(declarations?.[0].id.name));
    const texts = [];
    walk(tables, ({ type, value }) => {
      if (type === 'Property' && typeof value.value === 'string') texts.push(value);
    });
    return texts.reduceRight(
      (text, { start, end, value }) => text.slice(0, start) + JSON.stringify(compileMessage(value)) + text.slice(end),
      code,
    );
  },
};

/** Whether a bundle has the place for a site's settings. */
const isFilled = (code) => code.includes('__STAGETAG_SITE__');

/** Leaves out what only some sites need; see isPlain. */
const plain = replace({ 'typeof STAGETAG_PLAIN': '"boolean"', delimiters: ['', ''], preventAssignment: true });

// Our modules do nothing when loaded: what the page does not use goes, with the tables it is made of.
const treeshake = { moduleSideEffects: (id) => /(snippet|pinned|late|debug)\.js$/.test(id) };
const iife = { format: 'iife', strict: false };

export default [
  {
    input: 'dist/sdk/later/late.js',
    external: (id) => /\/sdk\/(?!later\/)/.test(id),
    output: {
      format: 'es',
      dir: 'dist/tag',
      entryFileNames: 'late-[hash:6].js',
      plugins: [takeShared, minifyTag(true)],
    },
    treeshake,
    plugins: [resolve(), clearTag, size()],
  },
  {
    input: 'dist/sdk/debug.js',
    output: { format: 'es', file: 'dist/tag/debug.js', plugins: [minify] },
    treeshake,
    plugins: [resolve(), size()],
  },
  {
    input: 'dist/sdk/why.js',
    output: { format: 'es', file: 'dist/tag/why.js', plugins: [minify] },
    treeshake,
    plugins: [resolve(), size()],
  },
  {
    input: 'dist/sdk/snippet.js',
    output: { ...iife, file: 'dist/tag/stagetag.js', plugins: [minifyTag(true)] },
    treeshake,
    plugins: [plain, giveShared, resolve(), size({ budget: TAG_BUDGET, total: TOTAL_BUDGET, fill: fillTag })],
  },
  {
    input: 'dist/sdk/snippet.js',
    output: { ...iife, file: 'dist/tag/full.js', plugins: [minifyTag()] },
    treeshake,
    plugins: [giveShared, resolve(), size({ fill: fillTag })],
  },
  {
    input: 'dist/sdk/pinned.js',
    output: { ...iife, dir: 'dist/tag', entryFileNames: 'stagetag-[hash].js', plugins: [minifyTag()] },
    treeshake,
    plugins: [resolve(), size()],
  },
  {
    input: 'dist/collector/dashboard/main.js',
    output: {
      dir: 'dist/dashboard',
      format: 'es',
      entryFileNames: 'assets/[name]-[hash].js',
      chunkFileNames: 'assets/[name]-[hash].js',
      assetFileNames: 'assets/[name]-[hash][extname]',
      plugins: [minify],
    },
    plugins: [
      compileTexts,
      resolve({ browser: true }),
      replace({ 'process.env.NODE_ENV': '"production"', preventAssignment: true }),
      dashboardPage(),
      size({ budget: FIRST_VIEW_BUDGET, all: DASHBOARD_BUDGET }),
    ],
  },
];
