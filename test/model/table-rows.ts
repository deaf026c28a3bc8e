/**
 * The rows of the decision table that every save handler is held against: all combinations of data,
 * lock, tombstone and marker × each command × the options that decide.
 */
import type { SaveHandler, Seen, SessionLock } from '../../src/save-handler/save-handler.ts';
import type { SaveHandlerOptions } from '../../src/save-handler/settings.ts';
import {
  type Answer,
  type Command,
  decide,
  type Means,
  type SessionKeys,
} from './decision-table.ts';

/** Seconds: the lifetime of the save handlers under test, and what is shorter and longer than it. */
export const LIFETIME = 100;
export const SECONDS = { shorter: 50, lifetime: LIFETIME, longer: 9000 } as const;

export interface Row {
  readonly keys: SessionKeys;
  readonly command: Command;
  readonly means: Means;
}

function* states(): Generator<SessionKeys> {
  for (const lock of [null, 'mine', 'other']) {
    for (const revoked of [null, 'logout', 'moved'] as const) {
      for (const moved of [null, 'mine', 'other']) {
        yield { data: null, ttl: 'none', lock, revoked, moved };
        for (const data of ['', 'one', 'two']) {
          yield { data, ttl: 'longer', lock, revoked, moved };
        }
      }
    }
  }
  for (const ttl of ['shorter', 'lifetime'] as const) {
    for (const revoked of [null, 'logout'] as const) {
      yield { data: 'one', ttl, lock: null, revoked, moved: null };
    }
  }
}

function* commands(): Generator<Command> {
  for (const refresh of [false, true]) yield { name: 'read', refresh };
  for (const secret of ['', 'mine']) {
    for (const expected of [undefined, null, 'one', '']) {
      yield { name: 'writeIf', bytes: 'new', secret, expected };
      yield { name: 'destroyIf', secret, expected };
      yield { name: 'leaveIf', secret, expected, mover: 'mine' };
    }
  }
  yield { name: 'write', bytes: 'new' };
  yield { name: 'destroy' };
  yield { name: 'touch' };
  yield { name: 'undoRefresh', bytes: 'one' };
  yield { name: 'exists' };
  yield { name: 'lock', secret: 'new' };
  yield { name: 'renew', secret: 'mine' };
  yield { name: 'release', secret: 'mine' };
}

export function* rows(): Generator<Row> {
  for (const revokes of [false, true]) {
    for (const keepsLonger of [false, true]) {
      for (const command of commands()) {
        for (const keys of states()) yield { keys, command, means: { revokes, keepsLonger } };
      }
    }
  }
}

/** One id, with the locks that the row speaks of. */
export interface Prepared {
  readonly id: string;
  /** Who holds the lock by the name of `mine` in the table, or held it once. */
  readonly mine: SessionLock;
  /** And by the name of `other`, where somebody does. */
  readonly other?: SessionLock;
}

export interface TableUnderTest {
  make(options: SaveHandlerOptions): SaveHandler;
  prepare(keys: SessionKeys): Promise<Prepared>;
  /** What lies under the keys now; a lock taken by the command itself is called `new`. */
  look(prepared: Prepared, handler: SaveHandler): Promise<SessionKeys>;
}

/** The rows where the save handler does something else than the table says; `[]` is what we want. */
export async function differences(
  under: TableUnderTest,
  some: Iterable<Row>,
  { stopAt = 5 }: { stopAt?: number } = {},
): Promise<string[]> {
  const handlers = new Map<string, SaveHandler>();
  const handlerFor = ({ revokes, keepsLonger }: Means): SaveHandler => {
    const name = `${revokes} ${keepsLonger}`;
    let handler = handlers.get(name);
    if (!handler) {
      handler = under.make({
        gcMaxlifetime: LIFETIME,
        keepLongerTtl: keepsLonger,
        lockRetries: 1,
        lockWaitTime: 1,
        ...(revokes ? { revokedTtl: 60 } : {}),
        onWarning: () => {},
      });
      handlers.set(name, handler);
    }
    return handler;
  };
  const found: string[] = [];
  const check = async (row: Row): Promise<void> => {
    const { command, keys, means } = row;
    const handler = handlerFor(means);
    const prepared = await under.prepare(keys);
    const expected = decide(keys, command, means);
    const answer = await run(handler, prepared, command).catch((error: unknown) => String(error));
    const after = await under.look(prepared, handler);
    const [is, should] = [
      JSON.stringify({ answer, keys: after }),
      JSON.stringify({ answer: expected.answer, keys: expected.keys }),
    ];
    if (is !== should) {
      const asked = JSON.stringify({ expected: '(none)', ...command });
      found.push(`${JSON.stringify(keys)} ${JSON.stringify(means)} ${asked}: ${should}, not ${is}`);
    }
  };
  let batch: Row[] = [];
  for (const row of some) {
    batch.push(row);
    if (batch.length < 250) continue;
    await Promise.all(batch.map(check));
    if (found.length >= stopAt) return found;
    batch = [];
  }
  await Promise.all(batch.map(check));
  return found;
}

async function run(
  handler: SaveHandler,
  { id, mine }: Prepared,
  command: Command,
): Promise<Answer> {
  const yes = (is: boolean): Answer => ({ state: is ? 'yes' : 'no' });
  const conditionOf = (asked: { secret: string; expected: string | null | undefined }) => ({
    expected: typeof asked.expected === 'string' ? Buffer.from(asked.expected) : asked.expected,
    lock: asked.secret === '' ? undefined : mine,
  });
  const text = async (result: ReturnType<SaveHandler['writeIf']>): Promise<Answer> => {
    const { state, ...rest } = await result;
    if (state !== 'changed') return { state };
    const { bytes } = rest as { bytes: Buffer | null };
    return { state, bytes: bytes === null ? null : String(bytes) };
  };
  switch (command.name) {
    case 'read': {
      const seen: Seen = {};
      const bytes = await handler.read(id, { refresh: command.refresh, seen });
      const revoked = seen.revoked ? 'logout' : seen.left ? 'moved' : null;
      return { state: 'read', bytes: bytes === null ? null : String(bytes), revoked };
    }
    case 'writeIf':
      return text(handler.writeIf(id, Buffer.from(command.bytes), conditionOf(command)));
    case 'destroyIf':
      return text(handler.destroyIf(id, conditionOf(command)));
    case 'leaveIf':
      return text(handler.destroyIf(id, { ...conditionOf(command), mover: command.mover }));
    case 'write':
      try {
        await handler.write(id, Buffer.from(command.bytes));
        return { state: 'written' };
      } catch (error) {
        if ((error as { code?: string }).code === 'ERR_PSB_SESSION_GONE') return { state: 'gone' };
        throw error;
      }
    case 'destroy':
      await handler.destroy(id);
      return { state: 'written' };
    case 'touch':
      return yes(await handler.updateTimestamp(id));
    case 'undoRefresh':
      await handler.undoRefresh!(id, Buffer.from(command.bytes), SECONDS.shorter * 1000);
      return { state: 'done' };
    case 'exists':
      return yes(await handler.validateId(id));
    case 'lock':
      return handler.lock(id).then(
        () => yes(true),
        () => yes(false),
      );
    case 'renew':
      return yes(await mine.renew());
    case 'release':
      return yes(await mine.release());
  }
}

/** The name of a TTL in milliseconds, -2 for no key. */
export function ttlName(left: number): SessionKeys['ttl'] {
  if (left === -2) return 'none';
  if (left <= SECONDS.shorter * 1000) return 'shorter';
  return left <= LIFETIME * 1000 ? 'lifetime' : 'longer';
}
