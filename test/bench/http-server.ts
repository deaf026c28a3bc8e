/**
 * One contestant of the HTTP benchmark in a process of its own: Koa with one kind of session
 * middleware, and three routes. Started by http.ts with its name and the Redis port.
 */
import { Redis } from 'ioredis';
import Koa from 'koa';
import session from 'koa-session';
import { serialize, unserialize } from 'php-serialize';

export type ContestantName = 'koa' | 'bridge' | 'bridge-koa-session' | 'json' | 'php-serialize';

const [name, port] = process.argv.slice(2) as [ContestantName, string];
const redis = new Redis(Number(port), '127.0.0.1');
const bridge = { savePath: `tcp://127.0.0.1:${port}`, gcMaxlifetime: 1440 };
const app = new Koa();
let visits = 0;

type Variables = Record<string, unknown>;

/** How koa-session is usually put on Redis. */
function plainStore(
  prefix: string,
  parse: (text: string) => object,
  print: (data: object) => string,
) {
  return {
    get: async (key: string) => {
      const text = await redis.get(prefix + key);
      return text === null ? undefined : parse(text);
    },
    set: async (key: string, data: object) => {
      await redis.set(prefix + key, print(data), 'EX', 1440);
    },
    destroy: async (key: string) => {
      await redis.del(prefix + key);
    },
  };
}

async function sessionMiddleware(): Promise<Koa.Middleware | undefined> {
  // What is measured is the built package, as a user gets it.
  const dist = (file: string) => import(new URL(`../../dist/${file}`, import.meta.url).href);
  const plain = { key: 'PHPSESSID', signed: false };
  switch (name) {
    case 'koa':
      return undefined;
    case 'bridge': {
      const { phpSession } = await dist('koa/index.js');
      return phpSession(bridge);
    }
    case 'bridge-koa-session': {
      const { phpSessionOptions } = await dist('koa-session/index.js');
      return session(phpSessionOptions(bridge), app);
    }
    case 'json':
      return session({ ...plain, store: plainStore('json:', JSON.parse, JSON.stringify) }, app);
    case 'php-serialize':
      return session({ ...plain, store: plainStore('phps:', unserialize, serialize) }, app);
  }
}

const middleware = await sessionMiddleware();
if (middleware) app.use(middleware);
app.use((ctx) => {
  if (ctx.path === '/ignore') {
    ctx.body = 'ok';
    return;
  }
  const whole = ctx['session'] as Variables;
  const variables = name === 'bridge-koa-session' ? (whole['php'] as Variables) : whole;
  if (ctx.path === '/read') ctx.body = String(variables['userid']);
  else {
    visits += 1;
    variables['visits'] = visits;
    ctx.body = 'written';
  }
});
process.on('message', () => process.send?.(process.cpuUsage()));
const server = app.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as { port: number }).port);
});
