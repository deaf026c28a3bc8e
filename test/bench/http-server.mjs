// @ts-check
/**
 * One contestant of the HTTP benchmark in a process of its own: Koa with one kind of session
 * middleware, and three routes. Started by http.ts with its name and the Redis port. Plain
 * JavaScript, so that no loader stands between what is measured and Node.
 */
import { Redis } from 'ioredis';
import Koa from 'koa';
import session from 'koa-session';
import { serialize, unserialize } from 'php-serialize';

const [name = '', port] = process.argv.slice(2);
const redis = new Redis(Number(port), '127.0.0.1');
const bridge = { savePath: `tcp://127.0.0.1:${port}`, gcMaxlifetime: 1440 };
const app = new Koa();
let visits = 0;

/**
 * How koa-session is usually put on Redis.
 *
 * @param {string} prefix
 * @param {(text: string) => object} parse
 * @param {(data: object) => string} print
 */
function plainStore(prefix, parse, print) {
  return {
    /** @param {string} key */
    get: async (key) => {
      const text = await redis.get(prefix + key);
      return text === null ? undefined : parse(text);
    },
    /** @param {string} key @param {object} data */
    set: async (key, data) => {
      await redis.set(prefix + key, print(data), 'EX', 1440);
    },
    /** @param {string} key */
    destroy: async (key) => {
      await redis.del(prefix + key);
    },
  };
}

/** @returns {Promise<import('koa').Middleware | undefined>} */
async function sessionMiddleware() {
  // What is measured is the built package, as a user gets it.
  /** @param {string} file */
  const dist = (file) => import(new URL(`../../dist/${file}`, import.meta.url).href);
  const plain = { key: 'PHPSESSID', signed: false };
  switch (name) {
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
    default:
      return undefined;
  }
}

const middleware = await sessionMiddleware();
if (middleware) app.use(middleware);
app.use((ctx) => {
  if (ctx.path === '/ignore') {
    ctx.body = 'ok';
    return;
  }
  const whole = ctx['session'];
  const variables = name === 'bridge-koa-session' ? whole['php'] : whole;
  if (ctx.path === '/read') ctx.body = String(variables['userid']);
  else {
    visits += 1;
    variables['visits'] = visits;
    ctx.body = 'written';
  }
});
process.on('message', () => process.send?.(process.cpuUsage()));
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' ? address?.port : address);
});
