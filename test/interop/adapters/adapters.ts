import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa3 from 'koa';
import Koa2 from 'koa2';
import { openSession } from '../../../src/http/index.ts';
import { SessionManager } from '../../../src/index.ts';
import { phpSession } from '../../../src/koa/index.ts';
import type { AdapterUnderTest, Visit } from './adapter-under-test.ts';

export const koa3 = koaAdapter('Koa 3', Koa3);
export const koa2 = koaAdapter('Koa 2.16', Koa2 as unknown as typeof Koa3);

function koaAdapter(name: string, Koa: typeof Koa3): AdapterUnderTest {
  return {
    name,
    async start(options, routes) {
      const app = new Koa();
      app.silent = true;
      const sessions = phpSession(options);
      app.use(sessions);
      app.use(async (ctx) => {
        const route = routes[ctx.path];
        if (!route) return;
        const visit: Visit = {
          get session() {
            return ctx.session;
          },
          set session(variables) {
            ctx.session = variables;
          },
          get phpSession() {
            return ctx.phpSession;
          },
          query: new URLSearchParams(ctx.querystring),
          res: ctx.res,
          answersItself() {
            ctx.respond = false;
          },
        };
        const answer = await route(visit);
        if (ctx.respond !== false) ctx.body = JSON.stringify(answer);
      });
      return listen(app.callback(), () => sessions.sessions.close());
    },
  };
}

export const plainNode: AdapterUnderTest = {
  name: 'plain Node',
  async start(options, routes) {
    const sessions = new SessionManager(options);
    const listener: RequestListener = async (req, res) => {
      const url = new URL(req.url ?? '/', 'http://localhost');
      const session = await openSession(sessions, req, res, { onError: () => {} });
      let answersItself = false;
      let loggedOut = false;
      const visit: Visit = {
        get session() {
          return loggedOut ? {} : session.variables;
        },
        set session(variables) {
          if (variables === null) loggedOut = true;
          else session.variables = variables;
        },
        phpSession: session,
        query: url.searchParams,
        res,
        answersItself() {
          answersItself = true;
        },
      };
      try {
        const answer = await routes[url.pathname]?.(visit);
        if (loggedOut) await session.destroy();
        if (!answersItself) res.end(JSON.stringify(answer));
      } catch {
        res.statusCode = 500;
        res.end();
      }
    };
    return listen(listener, () => sessions.close());
  },
};

/** Listens on a free loopback port. */
export async function listen(listener: RequestListener, close: () => Promise<void>) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await close();
    },
  };
}
