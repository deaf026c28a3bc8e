import { mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Demo, startDemo } from '../../docker/demo/services.ts';
import { startChromium, type Visitor, visit } from './chromium.ts';

const artifacts = fileURLToPath(new URL('../../artifacts/', import.meta.url));
const inPage = readFileSync(new URL('./in-page.js', import.meta.url), 'utf8');
const PANELS = ['user', 'task', 'node'];

let demo: Demo;
let browser: Browser;
let visitor: Visitor;
let page: Page;

beforeAll(async () => {
  mkdirSync(artifacts, { recursive: true });
  [demo, browser] = await Promise.all([startDemo({ handler: 'phpredis' }), startChromium()]);
});

afterAll(async () => {
  await browser?.close();
  await demo?.stop();
});

async function arrive(options?: Parameters<typeof visit>[2]): Promise<void> {
  visitor = await visit(browser, demo.url, options);
  page = visitor.page;
}

/** Presses a button of a panel, by the name that a reader hears. */
async function press(panel: string, action: string): Promise<void> {
  await page.locator(`#panel-${panel}`).getByRole('button', { name: action }).click();
}

async function everybodyKnows(name: string): Promise<void> {
  for (const panel of PANELS) {
    await page.locator(`#panel-${panel} .who-name`, { hasText: name }).waitFor();
  }
}

/** The newest entry of the history, once it speaks of it. */
async function newest(has: string): Promise<string> {
  await page.locator('#history > li:first-child', { hasText: has }).waitFor();
  return text('#history > li:first-child');
}

// What is visible, as a reader has it, and not what the elements contain.
// biome-ignore lint/performance/useDomNodeTextContent: Playwright's innerText, not the DOM's
const text = (selector: string): Promise<string> => page.locator(selector).innerText();

/** What this text comes to be. The history, the panels and the bytes arrive each in its own time. */
const soon = (selector: string) => expect.poll(() => text(selector), { timeout: 10_000 });

async function complaints(name: string): Promise<string[]> {
  return page.evaluate<string[]>(`${inPage}\n${name}()`);
}

describe('the story on the page', () => {
  beforeEach(() => arrive());
  afterEach(async () => {
    await visitor.close();
    expect(visitor.problems).toEqual([]);
  });

  it('is one login for PHP, PHP and Node, and one logout', async () => {
    await everybodyKnows('Nobody');
    await soon('#blob').toContain('no session cookie');

    await press('user', 'Log in');
    await everybodyKnows('홍길동');
    const login = await newest('username');
    expect(login).toMatch(/user/);
    expect(login).toContain('POST /user/login.php');
    expect(login).toContain("userid: 'kky'");
    await soon('#fact-key').toMatch(/^PHPREDIS_SESSION:[0-9a-z,-]+$/i);
    await soon('#blob').toBe('username|s:9:"홍길동";userid|s:3:"kky";');
    await soon('#variables').toContain("userid: 'kky',");

    await press('node', 'Add to cart');
    for (const panel of PANELS) {
      await page.locator(`#panel-${panel} .cart`, { hasText: 'lemon' }).waitFor();
    }
    const added = await newest('cart');
    expect(added).toContain('node-1');
    expect(added).toContain("{ item: 'lemon', by: 'Node' }");
    await soon('#fact-writer').toBe('node');
    await soon('#blob').toContain(
      'cart|a:1:{i:0;a:2:{s:4:"item";s:5:"lemon";s:2:"by";s:4:"Node";}}',
    );

    await press('task', 'Add to cart');
    await page.locator('#panel-node .cart', { hasText: 'green tea' }).waitFor();
    expect(await newest('cart[1]')).toContain('POST /task/cart.php');

    const key = await text('#fact-key');
    await press('node', 'Log out');
    await everybodyKnows('Nobody');
    expect(await newest('deleted')).toContain('node-1');
    await soon('#blob').toContain('no session cookie');
    const stored = await fetch(`${demo.url}/node/stored?id=${key.split(':')[1]}`);
    expect(await stored.json()).toMatchObject({ key, type: 'none' });
  });

  it('is the same the other way round: in by Koa, out by PHP', async () => {
    await page.getByRole('radio', { name: '이다은oooaa' }).check();
    await press('node', 'Log in');
    await everybodyKnows('이다은oooaa');
    expect(await newest('username')).toContain('node-1');
    await press('user', 'Log out');
    await everybodyKnows('Nobody');
    expect(await newest('deleted')).toContain('POST /user/logout.php');
  });

  it('shows live what happens elsewhere', async () => {
    await press('user', 'Log in');
    await everybodyKnows('홍길동');
    const elsewhere = await page.context().newPage();
    await elsewhere.goto(demo.url);
    await elsewhere.locator('#panel-task').getByRole('button', { name: 'Add to cart' }).click();
    await page.locator('#panel-node .cart', { hasText: 'green tea' }).waitFor();
    await newest('green tea');
    await soon('#fact-ttl').toMatch(/^14[0-4]\d s$/);
    const left = Number.parseInt(await text('#fact-ttl'), 10);
    await soon('#fact-ttl').toMatch(new RegExp(`^(${left - 1}|${left - 2}) s$`));
  });

  it('needs no mouse', async () => {
    const reached = new Set<string>();
    for (let stop = 0; stop < 40; stop += 1) {
      await page.keyboard.press('Tab');
      reached.add(
        await page.evaluate<string>(
          'document.activeElement.getAttribute("aria-label") ?? document.activeElement.id',
        ),
      );
      if ([...reached].at(-1) === 'Log in with Node, node service') break;
    }
    expect([...reached]).toEqual(
      expect.arrayContaining([
        'tour-start',
        'Log in with PHP, user service',
        'Log out with PHP, user service',
        'Add to cart with PHP, task service',
      ]),
    );
    expect(
      await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle'),
    ).not.toBe('none');
    await page.keyboard.press('Enter');
    await everybodyKnows('홍길동');
  });

  it('is told by the tour', async () => {
    await page.getByRole('button', { name: 'Play the tour' }).click();
    const steps = Number((await text('#tour-step')).split(' of ')[1]);
    expect(steps).toBeGreaterThan(8);
    const captions = new Set<string>();
    for (let step = 1; step <= steps; step += 1) {
      const name = `${step} of ${steps}`;
      await page.locator('#tour-step', { hasText: new RegExp(`^${name}$`) }).waitFor();
      captions.add(await text('#tour-caption'));
      // Again and again: past the pause before a step does something, and past the time to read.
      const next = `document.querySelector('#tour-step').textContent === '${name}' &&
        !document.querySelector('#tour').hidden &&
        (document.querySelector('#tour-next').click(), true)`;
      while (await page.evaluate<boolean>(next)) await page.waitForTimeout(100);
    }
    await page.locator('#tour').waitFor({ state: 'hidden' });
    expect(captions.size).toBe(steps);
  });
});

describe('the burst', () => {
  beforeAll(() => arrive());
  afterAll(async () => {
    await visitor.close();
    expect(visitor.problems).toEqual([]);
  });

  async function burst(way: string): Promise<{ php: number; node: number }> {
    await page.getByRole('radio', { name: way }).check();
    await page.getByRole('button', { name: 'Run the burst' }).click();
    await page.locator('#burst-verdict.good, #burst-verdict.bad, #burst-verdict.warn').waitFor();
    const lost = async (side: string): Promise<number> => {
      const [seen, gone] = [
        Number(await text(`#burst-${side} [data-count=seen]`)),
        Number(await text(`#burst-${side} [data-count=lost]`)),
      ];
      expect(seen + gone).toBe(30);
      expect(await page.locator(`#burst-${side} .dots .lost`).count()).toBe(gone);
      return gone;
    };
    return { php: await lost('php'), node: await lost('node') };
  }

  it('loses with a naive store, and shows it in red', async () => {
    const lost = await burst('Naive store');
    expect(lost.php + lost.node).toBeGreaterThan(0);
    expect(await page.locator('#burst-verdict').getAttribute('class')).toContain('bad');
  });

  it("loses nothing of Node's beside phpredis locking, and explains what PHP alone loses", async () => {
    const lost = await burst('Bridge beside phpredis locking');
    expect(lost.node).toBe(0);
    if (lost.php > 0) expect(await text('#burst-notes')).toContain('own lock');
  });

  it('loses nothing beside patient locks', async () => {
    await page.getByRole('checkbox', { name: 'Patient PHP locks' }).check();
    expect(await burst('Bridge beside phpredis locking')).toEqual({ php: 0, node: 0 });
  });

  it('loses nothing beside the PHP class, without locks', async () => {
    expect(await burst('Bridge beside the PHP class')).toEqual({ php: 0, node: 0 });
    expect(await text('#burst-verdict')).toContain('Nothing was lost');
    expect(await text('#burst-table tbody tr:last-child')).toMatch(/30 \+ 30\s+0\s+0/);
  });
});

describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
  beforeAll(async () => {
    await arrive({ colorScheme, reducedMotion: 'reduce' });
    await press('user', 'Log in');
    await everybodyKnows('홍길동');
    await press('node', 'Add to cart');
    await page.locator('#panel-user .cart', { hasText: 'lemon' }).waitFor();
    await press('task', 'Add to cart');
    await page.locator('#panel-user .cart', { hasText: 'green tea' }).waitFor();
    await newest('green tea');
    await page.getByRole('combobox', { name: 'Requests per side' }).selectOption('10');
    await page.getByRole('button', { name: 'Run all three' }).click();
    await page.locator('#burst-table tbody tr').last().filter({ hasText: /\d s$/ }).waitFor();
    await page.locator('#burst-run:enabled').waitFor();
  });
  afterAll(() => visitor.close());

  it('has text that stands out from what is behind it', async () => {
    // So that an empty list below means something: half of the text colour is too pale.
    await page.evaluate('document.querySelector("#burst .lead").style.color = "#888c"');
    expect(await complaints('contrastProblems')).toHaveLength(1);
    await page.evaluate('document.querySelector("#burst .lead").style.color = ""');
    expect(await complaints('contrastProblems')).toEqual([]);
    await page.getByRole('button', { name: 'Play the tour' }).click();
    expect(await complaints('contrastProblems')).toEqual([]);
    await page.keyboard.press('Escape');
    await page.locator('#tour').waitFor({ state: 'hidden' });
  });

  it('has a name for every control', async () => {
    expect(await complaints('labelProblems')).toEqual([]);
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await complaints('sizeProblems')).toEqual([]);
    await page.screenshot({ path: `${artifacts}page-${colorScheme}-phone.png`, fullPage: true });
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  it('has its picture taken', async () => {
    await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
    await page.screenshot({ path: `${artifacts}page-${colorScheme}.png`, fullPage: true });
    // The upper half, for the README: docs/images/demo.png.
    await page.setViewportSize({ width: 1280, height: 1300 });
    await page.screenshot({ path: `${artifacts}demo-${colorScheme}.png` });
  });
});
