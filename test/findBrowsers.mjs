import fs from 'node:fs';

/** Where browsers are found. `CHROMIUM_PATH`, `FIREFOX_PATH` and `MINIBROWSER_PATH` name others. */
const PLACES = {
  chromium: [
    process.env.CHROMIUM_PATH,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  firefox: [
    process.env.FIREFOX_PATH,
    '/usr/bin/firefox-esr',
    '/usr/bin/firefox',
    '/Applications/Firefox.app/Contents/MacOS/firefox',
  ],
  webkit: [
    process.env.MINIBROWSER_PATH,
    ...['x86_64-linux-gnu', 'aarch64-linux-gnu'].flatMap((system) =>
      ['4.1', '6.0', '4.0'].map((version) => `/usr/lib/${system}/webkit2gtk-${version}/MiniBrowser`),
    ),
  ],
};

/** What else a browser's tests start. */
const COMMANDS = { webkit: ['/usr/bin/WebKitWebDriver', '/usr/bin/Xvfb'] };

/** The path of an installed browser; undefined where it, or what starts it, is missing. */
export function findBrowser(name) {
  if (COMMANDS[name]?.some((command) => !fs.existsSync(command))) return undefined;
  return PLACES[name].find((place) => place && fs.existsSync(place));
}
