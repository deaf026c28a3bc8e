// Run by secrets.test.ts in a process of its own, with NODE_DEBUG=koa-session: prints whatever an
// application might print.
import { inspect } from 'node:util';
import Koa from 'koa';
import session from 'koa-session';
import { phpSession } from '../../src/koa/index.ts';
import { phpSessionOptions } from '../../src/koa-session/index.ts';

const savePath = 'tcp://127.0.0.1:1?auth[user]=shop&auth[pass]=hunter2&prefix=P:';
const options = phpSessionOptions({ savePath, name: 'shop' });
const middleware = phpSession({ savePath });
const app = new Koa();
app.use(session(options, app));
app.use(middleware);

console.log(options, options.store, middleware, { app: app.middleware });
console.log(inspect(options.store, { depth: 20, showHidden: true }));
console.log(JSON.stringify([options, options.store, { middleware }]));
console.log('%j %o %O', options, middleware, options.store);
