import Koa from 'koa';
import session from 'koa-session';
import { SessionManager } from 'php-session-bridge';
import {
  type PhpKoaSession,
  PhpSessionStore,
  phpSessionOptions,
} from 'php-session-bridge/koa-session';
import { MemorySaveHandler } from 'php-session-bridge/testing';

const app = new Koa();
const sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });
const options = phpSessionOptions(sessions, { maxAge: 'session', rolling: true });
app.use(session(options, app));
app.use(session({ store: new PhpSessionStore(sessions), signed: false }, app));
void options.store.sessions.close();

app.use((ctx) => {
  const { php, isNew } = ctx['session'] as unknown as PhpKoaSession;
  if (php) php['n'] = isNew;
});

// @ts-expect-error PHP's cookie has no signature
phpSessionOptions(sessions, { signed: true });
// @ts-expect-error the store is what these options are for
phpSessionOptions({ saveHandler: new MemorySaveHandler(), store: {} });
