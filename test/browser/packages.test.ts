/** The packages: what a bundler makes of them, on servers, and in React and Vue. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { createHash } from 'node:crypto';
import commonjs from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import type { Hono } from 'hono';
import { rollup, type Plugin } from 'rollup';
import { minify } from 'terser';
import { expect, test } from 'vitest';
import { eventually, openChromium, openPage, simplePages, startWorld } from '../helpers/browser.js';

/** Bundles code that imports the package by its own names, as a site's build does. */
async function bundle(code: string, external: string[] = []): Promise<string> {
  const entry = path.resolve('test/entry.js');
  const { exports } = JSON.parse(fs.readFileSync('package.json', 'utf8')) as {
    exports: Record<string, { default: string }>;
  };
  const built = await rollup({
    input: 'entry',
    external,
    plugins: [
      {
        name: 'entry',
        resolveId(id) {
          if (id === 'entry') return entry;
          const own = exports[id.replace(/^stagetag/, '.')];
          return own ? path.resolve(own.default) : null;
        },
        load: (id) => (id === entry ? code : null),
      },
      nodeResolve({ browser: true }),
      // Its types say that it cannot be called.
      (commonjs as unknown as () => Plugin)(),
    ],
  });
  const { output } = await built.generate({ format: 'es' });
  return (await minify(output[0].code, { ecma: 2020, module: true })).code!;
}

const brotli = (text: string) => zlib.brotliCompressSync(text).length;

/** A page whose tag does not come, and an app of its own at /app.js. */
function withApp(body: string, siteKey: string, code: string): Hono {
  let script = '';
  const app = simplePages({ '/': body })({ collectorUrl: 'http://127.0.0.1:9', siteKey });
  app.get('/app.js', async (c) => {
    script ||= await bundle(code);
    return c.body(script, 200, { 'Content-Type': 'text/javascript' });
  });
  return app;
}

test('the package for bundlers records by itself, and knows its stage when the first answer has brought the rules', async () => {
  const world = await startWorld(({ collectorUrl, siteKey }) => {
    const code = `import { init } from 'stagetag';
      window.stagetag = init({ siteKey: '${siteKey}', endpoint: '${collectorUrl}' });
      init({ siteKey: 'st_other', endpoint: 'http://nowhere' }).track('same');`;
    return withApp('<p>bundled</p><script type="module" src="/app.js"></script>', siteKey, code);
  });
  const { page } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await eventually(() => page.evaluate('window.stagetag?.stage === "awareness"'));
  const names = (await world.events()).map(({ name }) => name);
  for (const name of ['session_start', 'page_view', 'same']) expect(names).toContain(name);
});

test('the package says with `debug` what was given wrongly, by words that come from the collector', async () => {
  const world = await startWorld(({ collectorUrl, siteKey }) => {
    const app = simplePages({ '/': '<script type="module" src="/app.js"></script>' })({
      collectorUrl: 'http://127.0.0.1:9',
      siteKey,
    });
    app.get('/app.js', async (c) => {
      const options = { siteKey, endpoint: collectorUrl, debug: true, consnet: 'required', storage: 'session' };
      const script = await bundle(`import { init } from 'stagetag';
        const stagetag = init(${JSON.stringify(options)});
        stagetag.track('purchase', 'all of it');
        stagetag.track('purchase', { transactionId: 'a' });`);
      return c.body(script, 200, { 'Content-Type': 'text/javascript' });
    });
    return app;
  });
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  const said = () => problems.filter((text) => text.startsWith('stagetag:')).sort();
  await eventually(() => said().length >= 4);
  expect(said()).toEqual([
    'stagetag: "purchase" has no prop "transactionId"; did you mean "transaction_id"?',
    'stagetag: expected the props as an object, got a string: they were left out',
    'stagetag: no option is called consnet; did you mean "consent"?',
    'stagetag: storage expects "local", "cookie" or "none", got "session"',
  ]);
});

test('captures that a site does not import stay out of its bundle', async () => {
  const all = await bundle(`import { init } from 'stagetag'; window.s = init({});`);
  const few = await bundle(`import { init, pages } from 'stagetag/bare'; window.s = init({}, [pages]);`);
  expect(brotli(few)).toBeLessThan(brotli(all) - 1500);
  for (const trace of ['form_abandon', 'pointermove', 'largest-contentful-paint', 'data-st-view', 'file_download']) {
    expect(all).toContain(trace);
    expect(few).not.toContain(trace);
  }
});

test('options of another kind stop no app', async () => {
  const world = await startWorld(({ collectorUrl, siteKey }) => {
    const code = `import { init } from 'stagetag/bare';
      window.before = [];
      for (const settings of [undefined, {}, { siteKey: 'x' }, { siteKey: 'x', endpoint: 'http://' }])
        window.before.push(init(settings, []).stage);
      const settings = { siteKey: '${siteKey}', endpoint: new URL('${collectorUrl}/'), rules: { signals: {} } };
      window.stagetag = init(settings, 'no list');`;
    // Addresses of the page's own are read by the page's, not by what its <base> says.
    return withApp('<base href="http://127.0.0.1:9/">', siteKey, code);
  });
  const { page } = await openPage(await openChromium());
  const errors: unknown[] = [];
  page.on('pageerror', (error) => errors.push(error));
  await page.goto(`${world.pages}/`);
  await page.addScriptTag({ url: `${world.pages}/app.js`, type: 'module' });
  await page.evaluate('stagetag.track("page_view"), stagetag.flush()');
  expect(await page.evaluate('[before, stagetag.stage]')).toEqual([[null, null, null, null], 'awareness']);
  expect((await world.events()).map(({ name }) => name)).toEqual(['session_start', 'page_view']);
  expect(errors).toEqual([]);
});

test('on a server every call does nothing', async () => {
  const { init } = await import('../../sdk/index.js');
  const stagetag = init({ siteKey: 'st_x', endpoint: 'https://collector.example' });
  expect(stagetag.stage).toBeNull();
  expect(await stagetag.ready).toMatchObject({ stage: null, status: 'confirmed' });
  expect(stagetag.track('x')).toBe('');
  stagetag.identify('u');
  stagetag.consent('granted');
  stagetag.reset();
  stagetag.on('state', () => {})();
  await stagetag.flush();
});

test('the bindings for React and Vue weigh less than 1 kB each, and show the stage', async () => {
  const react = await bundle(`export * from 'stagetag/react'`, ['react']);
  const vue = await bundle(`export * from 'stagetag/vue'`, ['vue']);
  expect(brotli(react)).toBeLessThan(1000);
  expect(brotli(vue)).toBeLessThan(1000);

  const served = new Map([
    [
      '/react.js',
      await bundle(`import { createElement } from 'react'; import { createRoot } from 'react-dom/client';
        import { useStage } from 'stagetag/react';
        const Shown = () => createElement('p', { id: 'react' }, String(useStage()?.stage));
        createRoot(document.getElementById('a')).render(createElement(Shown));`),
    ],
    [
      '/vue.js',
      await bundle(`import { createApp, h } from 'vue'; import { useStage } from 'stagetag/vue';
        createApp({ setup() { const state = useStage(); return () => h('p', { id: 'vue' }, String(state.value?.stage)); } }).mount('#b');`),
    ],
  ]);
  const body = `<div id="a"></div><div id="b"></div><script>globalThis.process = { env: { NODE_ENV: 'production' } }</script>
    ${[...served.keys()].map((file) => `<script type="module" src="${file}"></script>`).join('')}`;
  const world = await startWorld((options) => {
    const app = simplePages({ '/': body })(options);
    for (const [file, code] of served) app.get(file, (c) => c.body(code, 200, { 'Content-Type': 'text/javascript' }));
    return app;
  });
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  const shown = (stage: string) =>
    `['#react', '#vue'].every((id) => document.querySelector(id)?.textContent === '${stage}')`;
  await eventually(() => page.evaluate(shown('awareness')));
  await page.evaluate(`void stagetag.track('purchase', { value: 1 })`);
  await eventually(() => page.evaluate(shown('action')));
  expect(problems).toEqual([]);
});

test('the file that can be pinned works under its hash, brings no rules, and is kept for ever', async () => {
  const file = fs.readdirSync('dist/tag').find((name) => name.startsWith('stagetag-'));
  const integrity = `sha256-${createHash('sha256')
    .update(fs.readFileSync(`dist/tag/${file}`))
    .digest('base64')}`;
  const world = await startWorld(({ collectorUrl, siteKey }) => {
    const tag = `<script defer src="${collectorUrl}/t/${file}" integrity="${integrity}" crossorigin data-site-key="${siteKey}"></script>`;
    return simplePages({ '/': tag })({ collectorUrl: 'http://127.0.0.1:9', siteKey });
  });
  const { page, problems } = await openPage(await openChromium());
  await page.goto(`${world.pages}/`);
  await eventually(() => page.evaluate('window.stagetag?.stage === "awareness"'));
  expect(problems.filter((text) => !text.includes('ERR_'))).toEqual([]);
  const response = await fetch(`${world.collector.url}/t/${file}`);
  expect(response.headers.get('cache-control')).toContain('immutable');
  expect(await response.text()).not.toContain('pricing_view');
});

test('the files are sent compressed, and say 304 to who has them', async () => {
  const world = await startWorld(simplePages({ '/': 'x' }));
  const url = `${world.collector.url}/t/${world.site.siteKey}.js`;
  const { get } = await import('node:http');
  const ask = (headers: Record<string, string>) =>
    new Promise<{ status: number; headers: Record<string, string | undefined>; bytes: number }>((done, fail) => {
      get(url, { headers }, (response) => {
        let bytes = 0;
        response.on('data', (part: Buffer) => (bytes += part.length));
        response.on('end', () =>
          done({ status: response.statusCode!, headers: response.headers as Record<string, string>, bytes }),
        );
      }).on('error', fail);
    });
  const plain = await ask({});
  const br = await ask({ 'accept-encoding': 'gzip, br' });
  const gzip = await ask({ 'accept-encoding': 'gzip' });
  expect(br.headers['content-encoding']).toBe('br');
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(br.bytes).toBeLessThanOrEqual(7000);
  expect(gzip.bytes).toBeLessThan(plain.bytes);
  expect((await ask({ 'accept-encoding': 'br', 'if-none-match': br.headers.etag! })).status).toBe(304);
});

test('what the page loads uses nothing that Chromium 86 lacks', () => {
  // WeChat's web view; each with the version of Chromium that brought it.
  const LATER = [
    /\.at\(/, // 92
    /structuredClone/, // 98
    /hasOwn\(/, // 93
    /\.findLast/, // 97
    /\.toSorted\(/, // 110
    /AbortSignal\.timeout/, // 103
    /:is\(|:has\(/, // 88, 105
    /static\s*\{/, // 94
    /randomUUID/, // 92
  ];
  for (const file of fs.readdirSync('dist/tag')) {
    const code = fs.readFileSync(`dist/tag/${file}`, 'utf8');
    for (const pattern of LATER) expect(code, `${file} ${pattern}`).not.toMatch(pattern);
  }
});
