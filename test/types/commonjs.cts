// The same package from CommonJS: require() of an ES module, as Node has it since 20.19.
import Koa = require('koa');
import bridge = require('php-session-bridge');
import koaBridge = require('php-session-bridge/koa');
import httpBridge = require('php-session-bridge/http');
import testing = require('php-session-bridge/testing');

const app = new Koa();
const sessions = new bridge.SessionManager({ saveHandler: new testing.MemorySaveHandler() });
app.use(koaBridge.phpSession(sessions));
app.use((ctx) => {
  ctx.session = null;
  ctx.body = ctx.session['userid'];
});
const bytes: Buffer = bridge.serialize({ a: 1 });
// @ts-expect-error there is no default export
koaBridge.default;
void [bytes, httpBridge.openRequest];
