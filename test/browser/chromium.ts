import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { program } from '../services/programs.ts';

export interface Visitor {
  readonly page: Page;
  /** What the console and the network complained about; a page without errors leaves it empty. */
  readonly problems: readonly string[];
  close(): Promise<void>;
}

/** The installed Chromium, headless. */
export function startChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: program('chromium'),
    args: [
      // Chromium refuses its sandbox to root, and containers often have none.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-dev-shm-usage',
      '--disable-gpu',
      // It would ask its maker's servers for updates and lists.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-quic',
      '--no-first-run',
    ],
  });
}

/** A browser of its own, with no cookies, on the demo's page. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  // A browser on a busy machine with two cores takes its time.
  page.setDefaultTimeout(30_000);
  const problems: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  await page.goto(url);
  await page.locator('#live.on').waitFor();
  return { page, problems, close: () => context.close() };
}
