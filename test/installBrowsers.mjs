// Installs the browser that the tests need, through the system's package manager, where it is missing.
import { spawnSync } from 'node:child_process';
import { findChromium } from './findChromium.mjs';

const run = (command, args) =>
  spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }).status ===
  0;
const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

if (!findChromium()) {
  const isRoot = process.getuid?.() === 0;
  const canSudo = !isRoot && has('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0;
  if (has('apt-get') && (isRoot || canSudo)) {
    console.log('Chromium is missing: installing it with apt-get …');
    const [command, ...prefix] = isRoot ? ['apt-get'] : ['sudo', 'apt-get'];
    run(command, [...prefix, 'update']);
    run(command, [...prefix, 'install', '-y', '--no-install-recommends', 'chromium']);
  }
}
if (!findChromium()) {
  console.error(
    'The tests need Chromium and could not install it. Install it (on Debian: sudo apt-get install chromium), or set CHROMIUM_PATH to where it is.',
  );
  process.exit(1);
}
