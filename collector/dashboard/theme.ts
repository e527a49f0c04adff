import { signal } from '@preact/signals';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'stagetag:theme';

/** Light, dark, or what the system asks for. */
export const theme = signal<Theme>(THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'system');

export function chooseTheme(next: Theme): void {
  localStorage.setItem(KEY, next);
  theme.value = next;
  document.documentElement.dataset.theme = next;
}
document.documentElement.dataset.theme = theme.value;
