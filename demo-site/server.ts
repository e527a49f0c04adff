/** The demo site: plain pages in one layout, with the tag of a collector on another origin. */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { serveStatic } from '@hono/node-server/serve-static';
import { Hono } from 'hono';

export interface DemoSiteOptions {
  /** The collector's address as pages reach it, mount included. */
  collectorUrl: string;
  siteKey: string;
  /** Further attributes of the script tag, such as `data-consent="required"`. */
  attributes?: string;
}

/** The sources' folder, found from the sources and from what is built of them alike. */
const folder = (() => {
  const here = path.dirname(fileURLToPath(import.meta.url));
  return fs.existsSync(path.join(here, 'pages')) ? here : path.resolve(here, '../../demo-site');
})();

/** Makes the demo site. Pages are read anew for each request, so that they can be edited while it runs. */
export function createDemoSite({ collectorUrl, siteKey, attributes = '' }: DemoSiteOptions): Hono {
  const app = new Hono();
  const read = (file: string) => {
    const full = path.join(folder, 'pages', file);
    return full.startsWith(folder) && fs.existsSync(full) ? fs.readFileSync(full, 'utf8') : undefined;
  };
  const page = (name: string): string | undefined => {
    const content = read(`${name}.html`) ?? read(`${name}/index.html`);
    if (!content) return undefined;
    const title = /<!-- title: (.*) -->/.exec(content)?.[1] ?? 'Kiteline';
    const language = name.startsWith('zh') ? 'zh' : 'en';
    const values: Record<string, string> = { content, title, language, siteKey, collectorUrl, attributes };
    const layout = read(`layout.${language}.html`) ?? read('layout.en.html')!;
    return layout.replace(/\{\{(\w+)\}\}/g, (_, key: string) => values[key] ?? '');
  };

  app.use('/public/*', serveStatic({ root: path.relative(process.cwd(), folder) || '.' }));
  // Forms of the demo go nowhere: what matters is that they were sent.
  app.post('/:form{contact|demo|sign-up}', (c) => c.redirect(`/thanks?for=${c.req.param('form')}`, 303));
  app.get('*', (c) => {
    const name = decodeURIComponent(c.req.path).replace(/^\/|\/$/g, '') || 'home';
    const html = name.includes('..') || name.startsWith('layout') ? undefined : page(name);
    return html ? c.html(html) : c.html(page('not-found')!, 404);
  });
  return app;
}
