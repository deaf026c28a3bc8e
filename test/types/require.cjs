// Plain require() of every entry, without a build step on the user's side.
const assert = require('node:assert/strict');
const { exports: entries } = require('php-session-bridge/package.json');

const expected = {
  '.': ['SessionManager', 'serialize', 'BridgeError'],
  './codec': ['serialize', 'decodeSession'],
  './http': ['openRequest', 'openSession', 'readSession'],
  './koa': ['phpSession'],
  './koa-session': ['phpSessionOptions', 'PhpSessionStore'],
  './testing': ['MemorySaveHandler', 'signIn'],
};

for (const entry of Object.keys(entries)) {
  if (entry === './package.json') continue;
  const module = require(entry.replace(/^\./, 'php-session-bridge'));
  for (const name of expected[entry] ?? []) {
    assert.equal(typeof module[name], 'function', `${entry} exports ${name}`);
  }
}

// Two entries share their classes.
const { SessionManager, SessionError } = require('php-session-bridge');
const { MemorySaveHandler } = require('php-session-bridge/testing');
const sessions = new SessionManager({ saveHandler: new MemorySaveHandler() });
sessions
  .close()
  .then(() => sessions.open())
  .then(
    () => assert.fail('a closed manager opens nothing'),
    (error) => assert.ok(error instanceof SessionError),
  );
