#!/usr/bin/env node
import { Command } from 'commander';
import { version } from './assets.js';
import { backupCommand, restoreCommand } from './cli/backup.js';
import { demoDataCommand } from './cli/demoData.js';
import { doctorCommand } from './cli/doctor.js';
import { importCommand } from './cli/import.js';
import { exportCommand, forgetCommand } from './cli/people.js';
import { recomputeCommand } from './cli/recompute.js';
import { serveCommand } from './cli/serve.js';
import { siteCommand } from './cli/siteAdd.js';
import { templateCommand } from './cli/template.js';
import { userCommand } from './cli/user.js';
import { StartError } from './server.js';
import { explainError, StoreError } from './store/sqlite/error.js';

const program = new Command('stagetag')
  .description('Knows at which stage of the funnel each visitor stands')
  .version(version)
  .showSuggestionAfterError()
  .addCommand(serveCommand())
  .addCommand(siteCommand())
  .addCommand(templateCommand())
  .addCommand(demoDataCommand())
  .addCommand(userCommand())
  .addCommand(recomputeCommand())
  .addCommand(forgetCommand())
  .addCommand(exportCommand())
  .addCommand(importCommand())
  .addCommand(backupCommand())
  .addCommand(restoreCommand())
  .addCommand(doctorCommand());

// Set and empty is not set: compose files write it so where a variable is missing.
for (const [name, value] of Object.entries(process.env))
  if (name.startsWith('STAGETAG_') && !value) delete process.env[name];

// Whoever reads what is printed may go away, and a disk may be full: with what is done that has nothing to do.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code === 'EPIPE' && process.argv[2] !== 'serve') process.exit(0);
});
process.stderr.on('error', () => {});

try {
  await program.parseAsync();
} catch (error) {
  const text = error instanceof StoreError || error instanceof StartError ? error.message : explainError(error);
  if (text === undefined) throw error;
  process.stderr.write(`stagetag: ${text}\n`);
  process.exitCode = 1;
}
