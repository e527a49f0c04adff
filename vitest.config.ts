import { defineConfig } from 'vitest/config';

const project = (name: string, folders: string[], more: object = {}) => ({
  test: { name, include: folders.map((folder) => `test/${folder}/**/*.test.ts`), ...more },
});

export default defineConfig({
  test: {
    projects: [
      project('model and collector', ['core', 'collector', 'journey', 'docs'], {
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      project('sdk', ['sdk'], { environment: 'happy-dom', testTimeout: 30_000 }),
      // Real browsers and servers: one file after the other, with time for a slow machine.
      project('browser', ['browser'], { testTimeout: 180_000, hookTimeout: 60_000, fileParallelism: false }),
    ],
  },
});
