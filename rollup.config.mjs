/** Bundles what browsers load from what `tsc -b` put into dist/. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import resolve from '@rollup/plugin-node-resolve';
import replace from '@rollup/plugin-replace';
import swc from '@swc/core';
import * as terser from 'terser';

/** The main script with the default rules inside, as a page receives it; and with all that it loads by itself later. */
const TAG_BUDGET = 7_000;
const TOTAL_BUDGET = 10_000;

/** Names of properties that the tag's two files alone have between them, and which may be shortened in both. */
const PRIVATE_NAMES = 'startedAt fields retryAfterMs answer wake leave run stagetagPath isHere rows today isRefused';
const nameCache = {};
const props = { builtins: true, regex: new RegExp(`^(${PRIVATE_NAMES.split(' ').join('|')})$`) };

const brotliSize = (text) =>
  zlib.brotliCompressSync(text, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

/** The orders in which the parts of a file compress best, by a hash of the parts: one that was found for others is never used. */
const ORDERS = 'sdk/order.json';
export const orders = JSON.parse(fs.readFileSync(ORDERS, 'utf8'));
const found = {};
/** By how many bytes a file may grow for a while, in the beginning. */
const WARMTH = 3;
/** How many orders to try, in `npm run order`. */
const TRIES = Number(process.env.STAGETAG_ORDERS ?? 0);

/** Names that a part uses when it is made, and not only when it is called. */
function usedAtOnce(part, parse) {
  const used = new Set();
  const look = (node) => {
    if (!node || typeof node !== 'object' || /Function/.test(node.type)) return;
    if (node.type === 'Identifier') used.add(node.name);
    for (const [key, each] of Object.entries(node)) if (key !== 'key' || node.computed) look(each);
  };
  look(parse(`let ${part}`).body[0].declarations[0].init);
  return used;
}

/** What a part uses when it is made, such as `name=called(other)`, has to stand before it; a function's own body runs later. */
function isSound(parts, uses) {
  const made = new Map(parts.map((part, index) => [/^[\w$]+/.exec(part)[0], index]));
  return parts.every((part, index) => [...uses.get(part)].every((name) => !(made.get(name) >= index)));
}

/**
 * Finds an order by simulated annealing: a few parts that stand together move elsewhere, and stay there where that makes the file
 * smaller, or, the less likely the later, a little larger.
 * @param write makes the file of the parts
 * @param tries none for what was found before
 */
async function order(parts, write, tries, parse) {
  // Neither a version nor the name of the other file makes it another.
  const text = parts.join().replace(/"js\/[^"]+"|late-[\w-]{6}\.js/g, '');
  const name = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const uses = new Map(parts.map((part) => [part, usedAtOnce(part, parse)]));
  const ordered = (by) => by.map((index) => parts[index]);
  const measure = async (by) => (isSound(ordered(by), uses) ? brotliSize(await write(ordered(by))) : Infinity);
  let best = orders[name] ?? parts.map((_, index) => index);
  if (!isSound(ordered(best), uses)) throw new Error('something is used before it is made: npm run order');
  if (orders[name]) found[name] = best;
  if (!tries) return ordered(best);
  let least = await measure(best);
  let [now, bytes] = [best, least];
  // A generator of its own, so that the same parts end in the same order.
  let seed = 1;
  const below = (limit) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  for (let left = tries; left; left--) {
    const next = [...now];
    const moved = next.splice(below(next.length), 1 + below(3));
    next.splice(below(next.length + 1), 0, ...moved);
    const size = await measure(next);
    const warmth = (WARMTH * left) / tries;
    if (below(1e6) / 1e6 < Math.exp((bytes - size) / warmth)) [now, bytes] = [next, size];
    if (bytes < least) [best, least] = [now, bytes];
  }
  fs.writeFileSync(ORDERS, JSON.stringify(Object.assign(found, { [name]: best })));
  return ordered(best);
}

/** Writes functions as arrows, and the site's settings before them: it compresses better so. */
function arrange(code, parse) {
  const [body] = parse(code).body;
  const { params, body: block } = body.declaration ?? body.expression.callee;
  const statements = block.body;
  const parts = statements.flatMap((node) => {
    const text = ({ start, end }) => code.slice(start, end);
    if (node.type === 'VariableDeclaration') return node.declarations.map(text);
    if (node.type !== 'FunctionDeclaration') return [];
    const [only, ...more] = node.body.body;
    const isValue = only?.type === 'ReturnStatement' && only.argument && !more.length;
    const value = isValue ? text(only.argument) : text(node.body);
    const isWrapped = isValue && (value[0] === '{' || only.argument.type === 'SequenceExpression');
    const [first, ...others] = node.params;
    const isBare = first?.type === 'Identifier' && !others.length && !node.async;
    const given = isBare ? first.name : `(${node.params.map(text)})`;
    return `${node.id.name}=${node.async ? 'async' : ''}${given}=>${isWrapped ? `(${value})` : value}`;
  });
  const rest = statements.filter(({ type }) => !/^(Variable|Function)Declaration$/.test(type));
  const end = rest.map(({ start, end: to }) => code.slice(start, to)).join('');
  const site = '__STAGETAG_SITE__';
  const [given, start] = end.includes(site) ? [`$$=${site},`, end.replace(site, () => '$$')] : ['', end];
  if (/[^\w$]\$\$[^\w$]/.test(code)) throw new Error('the name $$ is taken');
  const write = (ordered) => {
    const inside = `{let ${given}${ordered.join(',')};${start.replace(/;$/, '')}}`;
    return params.length ? `export let start=(${params.map(({ name }) => name)})=>${inside}` : inside;
  };
  return { parts, write };
}

/**
 * Two minifiers, since each finds what the other leaves: together 2 % smaller than the better one alone.
 * Nothing of ours has getters with effects, uses `arguments` or `this` in plain functions, or compares what has no order.
 */
const minifyTag = (tries = 0) => ({
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
    const { parts, write } = arrange(short, this.parse);
    const fill = (text) => (isFilled(text) ? fillTag(text) : text);
    return write(await order(parts, (ordered) => fill(write(ordered)), tries, this.parse));
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

/** Puts the default rules where the collector puts a site's. */
export async function fillTag(code) {
  const { compileRules, sentRules } = await import('./dist/sdk/core/index.js');
  const { toLiteral } = await import('./dist/collector/routes/tag.js');
  const template = JSON.parse(fs.readFileSync('sdk/core/templates/general.json', 'utf8'));
  const rules = sentRules(compileRules({ ...template.rules, version: 1 }));
  const site = { siteKey: 'st_93d0b7c41fe2a85d60', rules };
  if (code.split('__STAGETAG_SITE__').length !== 2) throw new Error('the place for the site settings must occur once');
  return code.replace('__STAGETAG_SITE__', () => toLiteral(site));
}

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
      plugins: [takeShared, minifyTag(TRIES)],
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
    output: { ...iife, file: 'dist/tag/stagetag.js', plugins: [minifyTag(TRIES)] },
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
      resolve({ browser: true }),
      replace({ 'process.env.NODE_ENV': '"production"', preventAssignment: true }),
      dashboardPage(),
      size({ budget: FIRST_VIEW_BUDGET, all: DASHBOARD_BUDGET }),
    ],
  },
];
