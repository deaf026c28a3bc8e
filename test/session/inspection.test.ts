import { inspect } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { SessionManager } from '../../src/config/session-manager.ts';
import { BridgeError, SessionError } from '../../src/errors.ts';
import { webSettingsOf } from '../../src/http/web-settings.ts';
import { phpSession } from '../../src/koa/index.ts';
import { phpSessionOptions } from '../../src/koa-session/index.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

const SECRET = 'sw0rdfish';
const SAVE_PATH = `tcp://10.0.0.5:6379?auth=${SECRET}&prefix=shop:, tls://10.0.0.6:6380?auth[]=root&auth[]=${SECRET}&prefix=shop:`;

/** Everything by which a thing ends up in a log. */
function shown(thing: unknown): string[] {
  return [
    inspect(thing),
    inspect(thing, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
    inspect({ ctx: { thing } }, { depth: 8 }),
    JSON.stringify(thing) ?? '',
    JSON.stringify({ nested: [thing] }),
    JSON.stringify({ ...(thing as object) }),
    String(thing),
  ];
}

describe('no password is shown', () => {
  const options = { savePath: SAVE_PATH, onWarning: () => {} };
  const sessions = new SessionManager(options);

  test.each([
    ['the manager', sessions],
    ['the middleware', phpSession(options)],
    ['the middleware over a manager', phpSession(sessions)],
    ['the options for koa-session', phpSessionOptions(options)],
    ['its store', phpSessionOptions(sessions).store],
    [
      'a cluster',
      new SessionManager({ savePath: `seed[]=a:1&auth=${SECRET}`, saveHandler: 'rediscluster' }),
    ],
    [
      'php.ini',
      new SessionManager({
        phpIni: `session.save_handler=redis\nsession.save_path="${SAVE_PATH}"\nsession.use_strict_mode=1`,
      }),
    ],
  ])('%s', (_, thing) => {
    for (const text of shown(thing)) expect(text).not.toMatch(/sw0rdfish|root/);
  });

  test('but kind, address and prefix are', () => {
    const text = inspect(sessions);
    expect(text).toContain('SessionManager');
    expect(JSON.parse(JSON.stringify(sessions))).toEqual({
      storage: { kind: 'redis', address: '10.0.0.5:6379, 10.0.0.6:6380', prefix: 'shop:' },
      serializeHandler: 'php',
      concurrency: 'merge',
      closed: false,
    });
    for (const part of ['redis', '10.0.0.5:6379', 'shop:']) expect(text).toContain(part);
    expect(inspect(new SessionManager({ saveHandler: new MemorySaveHandler() }))).toContain(
      'MemorySaveHandler',
    );
  });
});

describe('neither an id nor a value is shown', () => {
  let id: string;
  let sessions: SessionManager;
  beforeEach(async () => {
    const store = new MemorySaveHandler();
    id = createSessionId();
    await store.write(id, Buffer.from(`name|s:9:"${SECRET}";`));
    sessions = new SessionManager({ saveHandler: store });
  });

  test('of a session', async () => {
    const session = await sessions.open(id);
    expect(session.variables['name']).toBe(SECRET);
    for (const text of shown(session)) {
      expect(text).not.toContain(id);
      expect(text).not.toContain(SECRET);
    }
    expect(inspect(session)).toBe("Session { isNew: false, readOnly: false, state: 'open' }");
    expect(JSON.parse(JSON.stringify(session))).toEqual({
      isNew: false,
      readOnly: false,
      state: 'open',
    });
    await session.commit();
    expect(inspect(session)).toContain("state: 'closed'");
    for (const text of shown(sessions)) expect(text).not.toContain(id);
  });
});

describe('two copies of the package', () => {
  test('the web floor of one reads what the manager of the other was told', () => {
    const sessions = new SessionManager({
      saveHandler: new MemorySaveHandler(),
      name: 'SHOP',
      cookieDomain: 'example.com',
    });
    // What another copy of the class would be: the same members, another constructor.
    const foreign = Object.create({
      get webOptions() {
        return sessions.webOptions;
      },
    });
    expect(webSettingsOf(foreign).cookie.name).toBe('SHOP');
    expect(Object.keys(sessions.webOptions)).not.toContain('savePath');
  });
});

describe('the status of an error', () => {
  test.each([
    ['ERR_PSB_SESSION_GONE', 409],
    ['ERR_PSB_SESSION_REPLACED', 409],
    ['ERR_PSB_SESSION_CONFLICT', 409],
    ['ERR_PSB_SESSION_TOO_LARGE', 413],
    ['ERR_PSB_MANAGER_CLOSED', 503],
    ['ERR_PSB_SESSION_CLOSED', 500],
    ['ERR_PSB_SESSION_READ_ONLY', 500],
  ] as const)('%s: %i', (code, status) => {
    const error = new SessionError(code, 'text', { cause: 1 });
    expect(error).toMatchObject({ status, code, message: 'text', cause: 1, expose: false });
    expect(error).toBeInstanceOf(BridgeError);
  });
});
