export function findBrowser(name: 'chromium' | 'firefox' | 'webkit'): string | undefined;
