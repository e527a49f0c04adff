/** Bundles what browsers load from what `tsc -b` put into dist/. */
import fs from 'node:fs';
import zlib from 'node:zlib';
import resolve from '@rollup/plugin-node-resolve';
import replace from '@rollup/plugin-replace';
import terser from '@rollup/plugin-terser';

/** The main script with the default rules inside, as a page receives it. */
const TAG_BUDGET = 7_500;

const compress = {
  ecma: 2020,
  passes: 4,
  toplevel: true,
  // Nothing of ours has getters with effects, uses `arguments` or `this` in plain functions, or compares what has no order.
  pure_getters: true,
  unsafe: true,
  unsafe_arrows: true,
  unsafe_comps: true,
  hoist_funs: true,
  inline: 1,
};
const minifyTag = terser({ compress, mangle: { toplevel: true } });
const minify = terser({ ecma: 2020 });

/** Prints what each file weighs, and fails the build above a budget. */
function size({ budget, fill = (code) => code } = {}) {
  return {
    name: 'size',
    async writeBundle(_, bundle) {
      for (const { type, fileName, code } of Object.values(bundle)) {
        if (type !== 'chunk') continue;
        const bytes = Buffer.from(await fill(code));
        const params = { [zlib.constants.BROTLI_PARAM_QUALITY]: 11 };
        const brotli = zlib.brotliCompressSync(bytes, { params }).length;
        const gzip = zlib.gzipSync(bytes, { level: 9 }).length;
        const limit = budget ? `, budget ${budget}` : '';
        console.log(`${fileName}: ${bytes.length} bytes, gzip ${gzip}, brotli ${brotli}${limit}`);
        if (budget && brotli > budget)
          this.error(`${fileName} is ${brotli - budget} bytes over its budget of ${budget} (brotli)`);
      }
    },
  };
}

/** Puts the default rules where the collector puts a site's. */
async function fillTag(code) {
  const { compileRules } = await import('./dist/sdk/core/index.js');
  const rules = compileRules({ ...JSON.parse(fs.readFileSync('sdk/core/templates/general.json', 'utf8')), version: 1 });
  const site = { siteKey: 'st_000000000000000000', hosts: ['www.example.com'], rules };
  if (code.split('__STAGETAG_SITE__').length !== 2) throw new Error('the place for the site settings must occur once');
  return code.replace('__STAGETAG_SITE__', () => JSON.stringify(site));
}

/** Writes the dashboard's page and style beside its scripts, under names that hold a hash. */
function dashboardPage() {
  return {
    name: 'dashboard-page',
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

export default [
  {
    input: 'dist/sdk/snippet.js',
    output: { file: 'dist/tag/stagetag.js', format: 'iife', strict: false, plugins: [minifyTag] },
    // Our modules do nothing when loaded: what the page does not use goes, with the tables it is made of.
    treeshake: { moduleSideEffects: false },
    plugins: [resolve(), size({ budget: TAG_BUDGET, fill: fillTag })],
  },
  {
    input: 'dist/sdk/capture/vitalsModule.js',
    output: { file: 'dist/tag/web-vitals.js', format: 'es', plugins: [minify] },
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
      size(),
    ],
  },
];
