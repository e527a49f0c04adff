// Installs the browsers that the tests need, through the system's package manager, where they are missing.
import { spawnSync } from 'node:child_process';
import { findBrowser } from './findBrowsers.mjs';

const PACKAGES = {
  chromium: ['chromium'],
  firefox: ['firefox-esr'],
  webkit: ['webkit2gtk-driver', 'xvfb'],
};

const run = (command, args) =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status ===
  0;
const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
const missing = () => Object.keys(PACKAGES).filter((name) => !findBrowser(name));

if (missing().length) {
  const isRoot = process.getuid?.() === 0;
  const canSudo = !isRoot && has('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  if (has('apt-get') && (isRoot || canSudo)) {
    console.log(`missing: ${missing().join(', ')}; installing with apt-get …`);
    const [command, ...prefix] = isRoot ? ['apt-get'] : ['sudo', 'apt-get'];
    run(command, [...prefix, 'update']);
    const packages = missing().flatMap((name) => PACKAGES[name]);
    run(command, [...prefix, 'install', '-y', '--no-install-recommends', ...packages]);
  }
}
if (missing().length) {
  const packages = missing().flatMap((name) => PACKAGES[name]);
  console.error(
    `The tests need ${missing().join(', ')} and could not install them. Install them (on Debian: sudo apt-get install ` +
      `${packages.join(' ')}), or set CHROMIUM_PATH, FIREFOX_PATH or MINIBROWSER_PATH to where they are.`,
  );
  process.exit(1);
}
