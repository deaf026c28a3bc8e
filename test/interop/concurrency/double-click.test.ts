/**
 * Two clicks on "log in": two requests with one session, at the same time. The first one moves the
 * session to a new id, so the second one finds it gone. The browser shows the answer to the second.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { phpSession } from '../../../src/koa/index.ts';
import type { SessionVariables } from '../../../src/session/session-variables.ts';
import { type Shop, startShop } from './shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

interface Click {
  readonly status: number;
  readonly cookie: string | undefined;
}

/** A login page; its requests go on together, once all of them have opened the session. */
async function clicks(
  id: string,
  count: number,
  login: (ctx: Koa.Context, arrived: () => Promise<void>) => Promise<void>,
): Promise<{ readonly answers: Click[]; readonly lost: string[] }> {
  const lost: string[] = [];
  const app = new Koa();
  app.silent = true;
  app.use(phpSession(shop.node({ onLost: (error) => lost.push(error.code) })));
  let here = 0;
  let all: () => void;
  const everybody = new Promise<void>((resolve) => {
    all = resolve;
  });
  app.use((ctx) =>
    login(ctx, () => {
      if (++here === count) all();
      return everybody;
    }),
  );
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const answers = await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await fetch(url, { headers: { cookie: `PHPSESSID=${id}` } });
      await response.text();
      const cookie = response.headers.getSetCookie()[0];
      return { status: response.status, cookie: /^PHPSESSID=(\w+)/.exec(cookie ?? '')?.[1] };
    }),
  );
  return { answers, lost };
}

/** What PHP says to a cookie. */
async function seenByPhp(id: string | undefined): Promise<unknown> {
  const page = await shop.run(shop.php.pools.plain, String(id), 'echo json_encode($_SESSION);');
  return page.json();
}

describe('two clicks on "log in"', () => {
  test('both are logged in; nothing of the old session lives on by the second', async () => {
    const id = shop.newId();
    await shop.put(id, 'guest|b:1;cart|a:1:{s:3:"tea";i:2;}');
    const held: SessionVariables[] = [];
    const { answers, lost } = await clicks(id, 2, async (ctx, arrived) => {
      held.push(ctx.session);
      expect(ctx.session['guest']).toBe(true);
      await arrived();
      await ctx.phpSession.regenerate();
      ctx.session['userid'] = 'kky';
      ctx.body = 'welcome';
    });
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const [one, other] = answers.map(({ cookie }) => cookie);
    expect(one).not.toBe(other);
    expect([one, other]).not.toContain(id);
    const seen = [await seenByPhp(one), await seenByPhp(other)];
    expect(seen).toContainEqual({ guest: true, cart: { tea: 2 }, userid: 'kky' });
    expect(seen).toContainEqual({ userid: 'kky' });
    expect(held).toContainEqual({ userid: 'kky' });
    expect(lost).toEqual(['ERR_PSB_SESSION_GONE']);
    expect(await shop.stored(id)).toBeNull();
  });

  test('a login that loads the user meanwhile is not lost', async () => {
    for (let round = 0; round < 5; round++) {
      const id = shop.newId();
      await shop.put(id, 'guest|b:1;');
      const { answers } = await clicks(id, 4, async (ctx, arrived) => {
        ctx.session['guest'];
        await arrived();
        const user = shop.redis.client.ping();
        await Promise.all([
          ctx.phpSession.regenerate(),
          user.then(() => {
            ctx.session['userid'] = 'kky';
          }),
        ]);
        ctx.body = 'welcome';
      });
      for (const { status, cookie } of answers) {
        expect(status).toBe(200);
        expect(await seenByPhp(cookie)).toMatchObject({ userid: 'kky' });
      }
    }
  });

  test('who had changed something is told, and may try again', async () => {
    const id = shop.newId();
    await shop.put(id, 'guest|b:1;');
    const { answers } = await clicks(id, 2, async (ctx, arrived) => {
      await arrived();
      ctx.session['userid'] = 'kky';
      await ctx.phpSession.regenerate();
      ctx.body = 'welcome';
    });
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});
