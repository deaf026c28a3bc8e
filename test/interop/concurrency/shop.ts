/**
 * A PHP shop in several configurations and a Node service over the same Redis, with requests that
 * stand still in the middle until the test lets them go on.
 */
import { SessionManager, type SessionManagerOptions } from '../../../src/config/session-manager.ts';
import { createSessionId } from '../../../src/save-handler/session-id.ts';
import { type PhpPool, type PhpService, startPhp } from '../../services/php.ts';
import type { PhpIni } from '../../services/php-ini.ts';
import type { PhpAnswer } from '../../services/php-request.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

type PoolName = 'plain' | 'eager' | 'locking' | 'lockingForever' | 'merging';

export interface HeldRequest {
  /** Lets the page go on after `waits()`, and answers what it said. */
  finish(): Promise<PhpAnswer>;
}

export interface Shop {
  readonly redis: RedisService;
  readonly php: PhpService<PoolName>;
  /** A Node service over the same sessions; closed by `stop()`. */
  node(options?: Partial<SessionManagerOptions>): SessionManager;
  /** The key of a session in Redis. */
  key(id: string): string;
  stored(id: string): Promise<string | null>;
  /** Puts a session there as PHP would have left it. */
  put(id: string, text: string): Promise<void>;
  newId(): string;
  /**
   * Runs a page that has opened the session, and holds it there: `before` runs after
   * session_start(), `after` once the test calls `finish()`.
   */
  hold(pool: PhpPool, id: string, after: string, before?: string): Promise<HeldRequest>;
  /** Runs a page with this session. */
  run(pool: PhpPool, id: string, source: string): Promise<PhpAnswer>;
  stop(): Promise<void>;
}

export async function startShop(): Promise<Shop> {
  const redis = await startRedis();
  const phpredis: PhpIni = {
    'session.save_handler': 'redis',
    'session.save_path': redis.savePath(),
    'session.gc_maxlifetime': 1440,
  };
  const locking: PhpIni = {
    ...phpredis,
    'redis.session.locking_enabled': 1,
    'redis.session.lock_expire': 30,
  };
  const php = await startPhp({
    pools: {
      plain: { ini: phpredis },
      eager: { ini: { ...phpredis, 'session.lazy_write': 0 } },
      // phpredis 5.3's defaults: 10 tries, 2 ms apart.
      locking: { ini: locking },
      lockingForever: { ini: { ...locking, 'redis.session.lock_retries': -1 } },
      merging: { ini: { 'session.gc_maxlifetime': 1440 } },
    },
  });
  const managers: SessionManager[] = [];
  let held = 0;

  /** What a page does first: session_start() under its pool's own save handler. */
  function start(pool: PhpPool, id: string): string {
    const register =
      pool.name === 'merging'
        ? `require ${JSON.stringify(AUTOLOAD)};
           $client = new Redis(); $client->connect('${redis.host}', ${redis.port});
           $handler = PhpSessionBridge\\MergingSaveHandler::register($client);`
        : '';
    return `${register} session_id('${id}'); session_start();`;
  }

  return {
    redis,
    php,
    node(options = {}) {
      const manager = new SessionManager({
        redis: redis.client,
        gcMaxlifetime: 1440,
        onWarning: () => {},
        ...options,
      });
      managers.push(manager);
      return manager;
    },
    key: (id) => `PHPREDIS_SESSION:${id}`,
    async stored(id) {
      return (await redis.client.getBuffer(`PHPREDIS_SESSION:${id}`))?.toString('latin1') ?? null;
    },
    async put(id, text) {
      await redis.client.setex(`PHPREDIS_SESSION:${id}`, 1440, Buffer.from(text, 'latin1'));
    },
    newId: createSessionId,
    async hold(pool, id, after, before = '') {
      const name = `held:${++held}`;
      const answer = pool.run(`
        ${start(pool, id)}
        ${before}
        $gate = new Redis(); $gate->connect('${redis.host}', ${redis.port});
        $gate->rPush('${name}:here', '1');
        $gate->blPop(['${name}:go'], 20);
        ${after}
      `);
      answer.catch(() => {});
      const waiting = redis.connect();
      try {
        const here = await waiting.blpop(`${name}:here`, 10);
        if (here === null) throw new Error(`the page did not start: ${(await answer).stderr}`);
      } finally {
        waiting.disconnect();
      }
      return {
        async finish() {
          await redis.client.rpush(`${name}:go`, '1');
          return answer;
        },
      };
    },
    run: (pool, id, source) => pool.run(`${start(pool, id)} ${source}`),
    async stop() {
      await Promise.all(managers.map((manager) => manager.close()));
      await php.stop();
      await redis.stop();
    },
  };
}

const AUTOLOAD = new URL('../../../php/autoload.php', import.meta.url).pathname;
