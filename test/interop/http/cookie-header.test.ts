/**
 * Which session a Cookie header names: the bridge must pick the one that PHP picks. Every row goes
 * to real PHP with phpredis and to the bridge; the third column is what PHP 8.2 was seen to do.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRequest } from '../../../src/http/index.ts';
import { SessionManager } from '../../../src/index.ts';
import { type PhpService, startPhp } from '../../services/php.ts';
import { type RedisService, startRedis } from '../../services/redis.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
/** An id that needs encoding in a cookie. */
const C = `c,${'-'.repeat(30)}`;
const NBSP = '\u00a0';

type Who = 'A' | 'B' | 'C' | '';
type Row = readonly [header: string, who: Who];

const others = (count: number) => Array.from({ length: count }, (_, at) => `x${at}=1`).join(';');

const PLAIN: readonly Row[] = [
  [`PHPSESSID=${A}`, 'A'],
  ['', ''],
  ['PHPSESSID=', ''],
  ['PHPSESSID', ''],
  [`PHPSESSID=${A};`, 'A'],
  [`;PHPSESSID=${A}`, 'A'],
  [`;;  ; PHPSESSID=${A};;`, 'A'],
  [`x=1; PHPSESSID=${A}; y=2`, 'A'],
  [`x=1;PHPSESSID=${A};y=2`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID=${B}`, 'A'],
  [`PHPSESSID=${B}; PHPSESSID=${A}`, 'B'],
  [`PHPSESSID=; PHPSESSID=${A}`, ''],
  [`PHPSESSID; PHPSESSID=${A}`, ''],
  [`PHPSESSID=nonsense; PHPSESSID=${A}`, ''],
  [`PHPSESSID=${'0'.repeat(32)}; PHPSESSID=${A}`, ''],
  [`phpsessid=${A}`, ''],
  [`PHPSESSID2=${A}; PHPSESSID=${B}`, 'B'],
  [`XPHPSESSID=${A}; PHPSESSID=${B}`, 'B'],
  [`PHPSESSI=${A}; PHPSESSID=${B}`, 'B'],
  [`=${A}; PHPSESSID=${B}`, 'B'],
  [`=PHPSESSID=${A}; PHPSESSID=${B}`, 'B'],
  [`==; PHPSESSID=${B}`, 'B'],
  ['PHPSESSID==', ''],
  [`PHPSESSID==${A}`, ''],
  [`PHPSESSID=${A}=`, ''],
  // White space: skipped before the name, part of the name or the value elsewhere.
  [` PHPSESSID=${A}`, 'A'],
  [`x=1;\tPHPSESSID=${A}`, 'A'],
  [`x=1; \t  PHPSESSID=${A}`, 'A'],
  [`x=1;\vPHPSESSID=${A}`, 'A'],
  [`x=1;\fPHPSESSID=${A}`, 'A'],
  [`x=1;${NBSP}PHPSESSID=${A}`, ''],
  [`x=1; ${NBSP}PHPSESSID=${A}; PHPSESSID=${B}`, 'B'],
  [`x=1;\u0085PHPSESSID=${A}`, ''],
  [`x=1;\u00a0 PHPSESSID=${A}; PHPSESSID=${B}`, 'B'],
  [`PHPSESSID${NBSP}=${A}; PHPSESSID=${B}`, 'B'],
  [`PHPSESSID =${A}; PHPSESSID=${B}`, 'B'],
  [`PHPSESSID\t=${A}; PHPSESSID=${B}`, 'B'],
  [`PHPSESSID= ${A}`, ''],
  [`PHPSESSID=${A} ; x=1`, ''],
  [`PHPSESSID=${A}\t; x=1`, ''],
  [`PHPSESSID=${A}${NBSP}; x=1`, ''],
  [`PHP SESSID=${A}; PHPSESSID=${B}`, 'B'],
  // Only ; separates, and nothing is quoted.
  [`x=1,PHPSESSID=${A}`, ''],
  [`x=1&PHPSESSID=${A}`, ''],
  [`PHPSESSID="${A}"`, ''],
  [`PHPSESSID='${A}'`, ''],
  [`x="; PHPSESSID=${A}; y="`, 'A'],
  [`$Version=1; PHPSESSID=${A}; $Path=/`, 'A'],
  // Percent signs: decoded in the value, not in the name.
  [`PHPSESSID=${A.replaceAll('a', '%61')}`, 'A'],
  [`PHPSESSID=${C.replace(',', '%2C')}`, 'C'],
  [`PHPSESSID=${C.replace(',', '%2c')}`, 'C'],
  [`PHPSESSID=${C}`, 'C'],
  [`PHPSESSID=${A}%00`, ''],
  [`PHPSESSID=${A}%00${B}`, ''],
  [`PHPSESSID=%00${A}`, ''],
  [`PHPSESSID=${A}%0a`, ''],
  [`PHPSESSID=${A}%20`, ''],
  [`PHPSESSID=%20${A}`, ''],
  [`PHPSESSID=${A}%`, ''],
  [`PHPSESSID=${A}%4`, ''],
  [`PHPSESSID=%${A}`, ''],
  [`PHPSESSID=${A}+`, ''],
  [`PHPSESSID=%252C${A}`, ''],
  [`PHPSESSID%3D${A}; PHPSESSID=${B}`, 'B'],
  [`PHP%53ESSID=${A}; PHPSESSID=${B}`, 'B'],
  [`%50HPSESSID=${A}`, ''],
  // An array stands in the place of the text, wherever it comes.
  [`PHPSESSID[]=${A}`, ''],
  [`PHPSESSID[]=x; PHPSESSID=${A}`, ''],
  [`PHPSESSID=${A}; PHPSESSID[]=x`, ''],
  [`PHPSESSID=${A}; PHPSESSID[k]=x`, ''],
  [`PHPSESSID=${A}; PHPSESSID[k][l]=x`, ''],
  [`PHPSESSID=${A}; PHPSESSID[ ]=x`, ''],
  [`PHPSESSID=${A}; PHPSESSID[]`, ''],
  [`PHPSESSID=${A}; PHPSESSID[]y=x`, ''],
  [`PHPSESSID=${A}; PHPSESSID[=x`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID[k=x`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID[k=]`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID]=x`, 'A'],
  [`PHPSESSID=${A}; XPHPSESSID[]=x`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID []=x`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID.[]=x`, 'A'],
  [`PHPSESSID=${A}; PHPSESSID\t[]=x`, 'A'],
  [`PHPSESSID=${A}; x[]=PHPSESSID[]`, 'A'],
  [`PHPSESSID=${A}; [PHPSESSID]=x`, 'A'],
  [`PHPSESSID.=${A}; PHPSESSID=${B}`, 'B'],
  // PHP looks at the first 1000 (max_input_vars); empty ones do not count.
  [`${others(999)}; PHPSESSID=${A}`, 'A'],
  [`${others(1000)}; PHPSESSID=${A}`, ''],
  [`${';'.repeat(1500)}${others(999)};=x; ; PHPSESSID=${A}`, 'A'],
  [`PHPSESSID=${A}; ${others(1000)}`, 'A'],
  [`PHPSESSID=${A}; ${others(998)}; PHPSESSID[]=x`, ''],
  [`PHPSESSID=${A}; ${others(999)}; PHPSESSID[]=x`, 'A'],
];

const UNDERSCORE: readonly Row[] = [
  [`my_sess=${A}`, 'A'],
  [`my.sess=${A}`, 'A'],
  [`my sess=${A}`, 'A'],
  [`my[sess=${A}`, 'A'],
  [`my.sess=${A}; my_sess=${B}`, 'A'],
  [`my sess=${A}; my_sess=${B}`, 'A'],
  [`my[sess=${A}; my_sess=${B}`, 'A'],
  [`my_sess=${B}; my.sess=${A}`, 'B'],
  [`my\tsess=${A}; my_sess=${B}`, 'B'],
  [`my${NBSP}sess=${A}; my_sess=${B}`, 'B'],
  [`my-sess=${A}; my_sess=${B}`, 'B'],
  [`my]sess=${A}; my_sess=${B}`, 'B'],
  [`my%5Fsess=${A}; my_sess=${B}`, 'B'],
  [`my%2Esess=${A}; my_sess=${B}`, 'B'],
  [`my..sess=${A}; my_sess=${B}`, 'B'],
  [`my_sess.=${A}; my_sess=${B}`, 'B'],
  [`my[sess]=${A}; my_sess=${B}`, 'B'],
  [`my[]=${A}; my_sess=${B}`, 'B'],
  [`my_sess=${B}; my.sess[]=x`, ''],
  [`my_sess=${B}; my sess[k]=x`, ''],
  [`my_sess=${B}; my.sess[=x`, 'B'],
  [`my_sess=${B}; my[sess[]=x`, 'B'],
  [`my[sess[=${A}; my_sess=${B}`, 'B'],
  [`my[=${A}; my_sess=${B}`, 'B'],
  [`my[sess=x]; my_sess=${B}`, ''],
  [`.my_sess=${A}; my_sess=${B}`, 'B'],
];

const TWICE: readonly Row[] = [
  [`a.b.c=${A}`, 'A'],
  [`a b.c=${A}; a_b_c=${B}`, 'A'],
  [`a_b[c=${A}; a_b_c=${B}`, 'A'],
  [`a.b[c=${A}; a_b_c=${B}`, 'A'],
  [`a.b.c[]=${A}; a_b_c=${B}`, ''],
  [`a_b[c]=${A}; a_b_c=${B}`, 'B'],
  [`a[b_c=${A}; a_b_c=${B}`, 'A'],
  [`a[b.c=${A}; a_b_c=${B}`, 'A'],
  [`a[b c=${A}; a_b_c=${B}`, 'A'],
  [`a[b[c=${A}; a_b_c=${B}`, 'A'],
  [`a[b[c]=${A}; a_b_c=${B}`, 'B'],
  [`a[b.c[]=${A}; a_b_c=${B}`, 'B'],
];

const HOST: readonly Row[] = [
  [`__Host-id=${A}`, 'A'],
  [`..Host-id=${A}; __Host-id=${B}`, 'B'],
  [`__Host-id=${B}; ..Host-id[]=x`, 'B'],
  [`_ Host-id=${A}`, ''],
  [`__host-id=${A}; __Host-id=${B}`, 'B'],
  [`__Host-id[]=${A}; __Host-id=${B}`, ''],
];

const TABLE = {
  PHPSESSID: PLAIN,
  my_sess: UNDERSCORE,
  a_b_c: TWICE,
  '__Host-id': HOST,
} as const;

describe('the session that a Cookie header names', () => {
  let redis: RedisService;
  let php: PhpService<'page'>;
  const managers = new Map<string, SessionManager>();

  beforeAll(async () => {
    redis = await startRedis();
    php = await startPhp({
      pools: {
        page: {
          ini: {
            'session.save_handler': 'redis',
            'session.save_path': redis.savePath(),
            'session.use_strict_mode': true,
          },
        },
      },
    });
    for (const [id, who] of [
      [A, 'A'],
      [B, 'B'],
      [C, 'C'],
    ] as const) {
      await redis.client.set(`PHPREDIS_SESSION:${id}`, `who|s:1:"${who}";`);
    }
    for (const name of Object.keys(TABLE)) {
      managers.set(name, new SessionManager({ savePath: redis.savePath(), name }));
    }
  });

  afterAll(async () => {
    for (const manager of managers.values()) await manager.close();
    await php?.stop();
    await redis?.stop();
  });

  async function inPhp(name: string, cookie: string): Promise<string> {
    const answer = await php.pools.page.run(
      `@session_start(["name" => "${name}", "read_and_close" => true]); echo $_SESSION["who"] ?? "";`,
      { cookie },
    );
    return answer.body;
  }

  async function inBridge(name: string, cookie: string): Promise<unknown> {
    const sessions = managers.get(name) as SessionManager;
    const request = await openRequest(sessions, { cookie }, { readOnly: true });
    return request.variables['who'] ?? '';
  }

  for (const [name, rows] of Object.entries(TABLE)) {
    test(`${name}: ${rows.length} headers`, async () => {
      const seen: unknown[] = [];
      const wanted: unknown[] = [];
      for (const [header, who] of rows) {
        const shown = header.length > 200 ? `…${header.slice(-120)}` : header;
        wanted.push([shown, { php: who, bridge: who }]);
        const [fromPhp, fromBridge] = [await inPhp(name, header), await inBridge(name, header)];
        seen.push([shown, { php: fromPhp, bridge: fromBridge }]);
      }
      expect(seen).toEqual(wanted);
    });
  }
});
