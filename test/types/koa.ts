// What compiles in a Koa application and what must not. Checked by tsc against the built package.
import Koa from 'koa';
import { SessionManager } from 'php-session-bridge';
import { type PhpSessionMiddleware, phpSession } from 'php-session-bridge/koa';
import { MemorySaveHandler, signIn } from 'php-session-bridge/testing';

declare module 'php-session-bridge' {
  interface SessionVariables {
    userid?: string;
    cart?: string[];
  }
}

const app = new Koa();
const sessions = new SessionManager({ saveHandler: new MemorySaveHandler(), name: 'shop' });
const middleware: PhpSessionMiddleware = phpSession(sessions, { property: 'session' });
app.use(middleware);
app.use(phpSession({ saveHandler: new MemorySaveHandler(), sessionMethods: true }));

app.use(async (ctx, next) => {
  // Declared names have their types, others are unknown.
  const userid: string | undefined = ctx.session.userid;
  ctx.session.cart?.push('apple');
  const other: unknown = ctx.session['other'];
  // @ts-expect-error an unknown name must be checked before it is used
  const text: string = ctx.session['other'];
  // @ts-expect-error userid is a string
  ctx.session.userid = 1;

  // null may be assigned, and is never read: no ?. is needed.
  ctx.session = null;
  ctx.session = { userid: 'kky' };
  ctx.session.userid = 'lde';
  // @ts-expect-error not an array of variables
  ctx.session = 'kky';

  await ctx.phpSession.regenerate();
  const { outcome, conflicts } = await ctx.phpSession.save();
  const paths: string[] = conflicts.map(({ path }) => path);
  await ctx.phpSession.update((variables) => {
    variables.cart = [];
  });
  // @ts-expect-error the session itself is not the application's to replace
  ctx.phpSession = await sessions.open();
  // @ts-expect-error nor is its id
  ctx.phpSession.id = 'x';

  void [userid, other, text, outcome, paths];
  await next();
});

// @ts-expect-error an option that does not exist
phpSession({ saveHandler: new MemorySaveHandler(), propertyName: 'shop' });
// @ts-expect-error PHP writes it so
phpSession({ saveHandler: new MemorySaveHandler(), cookieSamesite: 'lax' });
// @ts-expect-error a handler that PHP does not have
new SessionManager({ saveHandler: new MemorySaveHandler(), serializeHandler: 'json' });

const cookie: string = await signIn(sessions, { userid: 'kky' });
// @ts-expect-error userid is a string
void signIn(sessions, { userid: 1 });
void cookie;
void middleware.sessions.close();
