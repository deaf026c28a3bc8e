/** A Node process that takes a session's lock and then never gives it back: it waits to be killed. */
import { Redis } from 'ioredis';
import { SessionManager } from '../../../src/config/session-manager.ts';

const [port, id] = process.argv.slice(2);
const sessions = new SessionManager({
  redis: new Redis(Number(port), '127.0.0.1'),
  gcMaxlifetime: 1440,
  concurrency: 'lock',
  lockExpire: 2,
  onWarning: () => {},
});
const session = await sessions.open(id);
session.variables['node'] = 'never written';
process.stdout.write('held\n');
setInterval(() => {}, 1000);
