/** `npm start`: the collector with its data in ./data, and the demo site that it watches. */
import { serve } from '@hono/node-server';
import { StartError, startCollector } from '../collector/server.js';
import { addSite, snippetFor } from '../collector/site.js';
import { StoreError } from '../collector/store/sqlite/error.js';
import { createDemoSite } from './server.js';

const DEMO_PORT = 8788;
const DEMO_NAME = 'Kiteline (demo site)';
const ORIGINS = [`http://localhost:${DEMO_PORT}`, `http://127.0.0.1:${DEMO_PORT}`];

const { env } = process;
const data = env.STAGETAG_DATA ?? './data';

try {
  const collector = await startCollector({
    host: env.STAGETAG_HOST ?? '127.0.0.1',
    port: Number(env.STAGETAG_PORT ?? 8787),
    data,
    mount: env.STAGETAG_MOUNT,
    adminToken: env.STAGETAG_ADMIN_TOKEN,
  });
  const { store, url } = collector;
  const site =
    (await store.sites()).find(({ name }) => name === DEMO_NAME) ??
    (await addSite(store, { name: DEMO_NAME, origins: ORIGINS }, Date.now()));
  if (typeof site === 'string') throw new StartError(site);

  const demo = createDemoSite({ collectorUrl: url, siteKey: site.siteKey });
  const server = serve({ fetch: demo.fetch, hostname: '127.0.0.1', port: DEMO_PORT });
  server.on('error', (error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? `port ${DEMO_PORT} is in use; stop the other program` : error.message;
    process.stderr.write(`stagetag: the demo site cannot start: ${reason}\n`);
    void collector.stop().then(() => process.exit(1));
  });
  server.on('listening', () => void greet());

  const greet = async () => {
    process.stdout.write(
      [
        '',
        `  Demo site    http://localhost:${DEMO_PORT}   click around and watch the panel`,
        `  Dashboard    ${url}/`,
        `  Sign in      ${await collector.signInLink()}   (works once, within a day)`,
        `  Snippet      ${snippetFor(site.siteKey, url)}`,
        '',
        `  Ctrl+C stops both. Everything is kept in ${data}.`,
        '',
        '',
      ].join('\n'),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      server.close();
      void collector.stop().then(() => process.exit(0));
    });
  }
} catch (error) {
  if (!(error instanceof StoreError || error instanceof StartError)) throw error;
  process.stderr.write(`stagetag: ${error.message}\n`);
  process.exitCode = 1;
}
