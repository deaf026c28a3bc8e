import { createServer } from 'node:http';
import { SessionManager } from 'php-session-bridge';
import { openRequest, openSession, readSession } from 'php-session-bridge/http';
import { MemorySaveHandler } from 'php-session-bridge/testing';

const sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });

const request = await openRequest(sessions, { cookie: undefined, secure: true });
request.variables['n'] = 1;
request.variables = { n: 2 };
request.variables = null;
const { setCookie, headers } = await request.commit();
const cookies: string[] = setCookie;
const cacheControl: string | undefined = headers['Cache-Control'];
// @ts-expect-error the request must say whether there is a cookie
void openRequest(sessions, {});

createServer(async (req, res) => {
  const session = await openSession(sessions, req, res);
  session.variables['n'] = 1;
  const reader = await readSession(sessions, req);
  res.end(`${reader.id} ${reader.exists}`);
});
void [cookies, cacheControl];
