/** The three real browsers behind one interface: Chromium and Firefox through Puppeteer, WebKit through WebDriver. */
import { spawn, type ChildProcess } from 'node:child_process';
import net from 'node:net';
import puppeteer, { type Browser } from 'puppeteer-core';
import { Builder, By, Capabilities, type WebDriver } from 'selenium-webdriver';
import { findBrowser } from '../findBrowsers.mjs';

export type EngineName = 'chromium' | 'firefox' | 'webkit';
export const ENGINES: EngineName[] = ['chromium', 'firefox', 'webkit'];

export interface Tab {
  goto(url: string): Promise<void>;
  /** The value of an expression on the page, awaited where it is a promise. */
  evaluate<T>(expression: string): Promise<T>;
  click(selector: string): Promise<void>;
  type(selector: string, text: string): Promise<void>;
  close(): Promise<void>;
}

/** One browser profile: its tabs share what the browser keeps, also after all but one were closed. */
export interface Engine {
  name: EngineName;
  newTab(): Promise<Tab>;
  close(): Promise<void>;
}

export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export async function openEngine(name: EngineName): Promise<Engine> {
  if (name === 'webkit') return openWebKit();
  const browser = await puppeteer.launch({
    browser: name === 'firefox' ? 'firefox' : 'chrome',
    executablePath: findBrowser(name)!,
    args: name === 'firefox' ? [] : CHROMIUM_ARGS,
    protocolTimeout: 120_000,
  });
  return { name, newTab: () => puppeteerTab(browser), close: () => browser.close() };
}

async function puppeteerTab(browser: Browser): Promise<Tab> {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  return {
    goto: async (url) => void (await page.goto(url)),
    evaluate: <T>(expression: string) => page.evaluate(expression) as Promise<T>,
    click: (selector) => page.click(selector),
    type: (selector, text) => page.type(selector, text),
    close: () => page.close(),
  };
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** Starts a display of its own, and waits for its number. */
async function startDisplay(): Promise<{ child: ChildProcess; display: string }> {
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1300x1000x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const number = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.stdio[3]!.once('data', (text) => resolve(String(text).trim()));
  });
  return { child, display: `:${number}` };
}

async function openWebKit(): Promise<Engine> {
  const { child: xvfb, display } = await startDisplay();
  const port = await freePort();
  const server = spawn('WebKitWebDriver', [`--port=${port}`, '--host=127.0.0.1'], {
    env: { ...process.env, DISPLAY: display, WEBKIT_DISABLE_DMABUF_RENDERER: '1', LIBGL_ALWAYS_SOFTWARE: '1' },
    stdio: 'ignore',
  });
  const stop = () => {
    server.kill('SIGKILL');
    xvfb.kill('SIGKILL');
  };
  try {
    for (let tries = 100; ; tries--) {
      const isUp = await fetch(`http://127.0.0.1:${port}/status`).then(
        () => true,
        () => false,
      );
      if (isUp) break;
      if (!tries) throw new Error('WebKitWebDriver does not answer');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const binary = findBrowser('webkit')!;
    const capabilities = new Capabilities({
      browserName: 'MiniBrowser',
      'webkitgtk:browserOptions': { binary, args: ['--automation'] },
    });
    const driver = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build();
    await driver.manage().setTimeouts({ script: 120_000, pageLoad: 120_000 });
    const first = await driver.getWindowHandle();
    return {
      name: 'webkit',
      newTab: () => webDriverTab(driver, first),
      close: async () => {
        await driver.quit().catch(() => {}); // The processes end all the same.
        stop();
      },
    };
  } catch (error) {
    stop();
    throw error;
  }
}

/** WebDriver acts on one window at a time: tabs take turns. */
let turn: Promise<unknown> = Promise.resolve();

async function webDriverTab(driver: WebDriver, first: string): Promise<Tab> {
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const next = turn.then(act);
    turn = next.catch(() => {});
    return next;
  };
  const handle = await inTurn(async () => {
    await driver.switchTo().window(first);
    await driver.switchTo().newWindow('window');
    return driver.getWindowHandle();
  });
  const on = <T>(act: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      await driver.switchTo().window(handle);
      return act();
    });
  const find = (selector: string) => driver.findElement(By.css(selector));
  return {
    goto: (url) => on(() => driver.get(url)),
    evaluate: async <T>(expression: string) => {
      const answer = await on(() =>
        driver.executeAsyncScript<{ value: T } | { error: string }>(
          // Not by eval: pages under test forbid it.
          `const done = arguments[arguments.length - 1];
           Promise.resolve().then(() => (${expression.replace(/;\s*$/, '')}\n)).then(
             (value) => done({ value }), (error) => done({ error: String(error) }));`,
        ),
      );
      if ('error' in answer) throw new Error(answer.error);
      return answer.value;
    },
    click: (selector) => on(async () => find(selector).click()),
    type: (selector, text) => on(async () => find(selector).sendKeys(text)),
    close: () =>
      inTurn(async () => {
        await driver.switchTo().window(handle);
        await driver.close();
        await driver.switchTo().window(first);
      }),
  };
}
