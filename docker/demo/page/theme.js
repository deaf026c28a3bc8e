import { byId } from './element.js';

const ORDER = ['auto', 'light', 'dark'];
const NAMES = { auto: 'Auto', light: 'Light', dark: 'Dark' };
const MEANINGS = {
  auto: 'Colours: as the system has them',
  light: 'Colours: light',
  dark: 'Colours: dark',
};

/** The button that goes round auto, light and dark, and remembers it in this browser. */
export function startTheme() {
  show(localStorage.getItem('theme') ?? 'auto');
  byId('theme').addEventListener('click', () => {
    const current = document.documentElement.dataset.theme ?? 'auto';
    const next = ORDER[(ORDER.indexOf(current) + 1) % ORDER.length];
    localStorage.setItem('theme', next);
    show(next);
  });
}

function show(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId('theme-name').textContent = NAMES[theme];
  byId('theme').setAttribute('aria-label', MEANINGS[theme]);
}
