import { afterEach, describe, expect, it, vi } from 'vitest';
import { Output } from '../../src/codec/output.ts';
import type { SessionHandlerName } from '../../src/codec/session.ts';
import { SessionManager } from '../../src/config/session-manager.ts';
import { MemorySaveHandler } from '../../src/save-handler/memory/memory-save-handler.ts';
import { createSessionId } from '../../src/save-handler/session-id.ts';

/** For each handler variables in the encoding of which bytes are moved. */
const moving: readonly (readonly [SessionHandlerName, Record<string, unknown>])[] = [
  ['php', { text: '이'.repeat(40) }],
  ['php_binary', { text: '이'.repeat(40) }],
  ['php_serialize', { text: '이'.repeat(40) }],
  ['igbinary', { text: '이'.repeat(90) }],
  ['msgpack', { text: '이'.repeat(12) }],
];

/** An encoder that loses the last byte of what it moves, where another one shows then. */
function breakMoves(): void {
  const { move } = Output.prototype;
  vi.spyOn(Output.prototype, 'move').mockImplementation(function broken(
    this: Output,
    to,
    from,
    end,
  ) {
    move.call(this, to, from, end);
    this.bytes[to + (end - from) - 1] = 0x8c;
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(moving)('under %s', (serializeHandler, variables) => {
  it('what is encoded into something else is not written', async () => {
    const store = new MemorySaveHandler();
    await using sessions = new SessionManager({ saveHandler: store, serializeHandler });
    const id = createSessionId();
    await store.write(id, Buffer.alloc(0));
    const fault = { code: 'ERR_PSB_CODEC_INTERNAL' };

    const session = await sessions.open(id);
    Object.assign(session.variables, variables);
    breakMoves();
    await expect(session.save()).rejects.toMatchObject(fault);
    await expect(
      session.update((fresh) => void Object.assign(fresh, variables)),
    ).rejects.toMatchObject(fault);
    await expect(session.regenerate()).rejects.toMatchObject(fault);
    expect(await store.read(id)).toHaveLength(0);
    vi.restoreAllMocks();
    await session.commit();

    const next = await sessions.open(session.id);
    expect(next.variables).toEqual(variables);
    await next.abort();
  });

  it('nor what a merge made', async () => {
    const store = new MemorySaveHandler();
    await using sessions = new SessionManager({ saveHandler: store, serializeHandler });
    const session = await sessions.open();
    session.variables['first'] = 1;
    await session.save();
    session.variables['second'] = 2;
    await sessions.run(session.id, (other) => void Object.assign(other.variables, variables));
    const theirs = await store.read(session.id);
    breakMoves();
    await expect(session.save()).rejects.toMatchObject({ code: 'ERR_PSB_CODEC_INTERNAL' });
    vi.restoreAllMocks();
    expect(await store.read(session.id)).toEqual(theirs);
    await session.abort();
  });
});

it('a variable that answers differently each time is no fault of the encoder', async () => {
  await using sessions = new SessionManager({
    saveHandler: new MemorySaveHandler(),
    serializeHandler: 'msgpack',
  });
  const session = await sessions.open();
  let asked = 0;
  session.variables = {
    text: '이'.repeat(12),
    cart: {
      get asked() {
        return ++asked;
      },
      items: [new Uint8Array([0xff]), Buffer.from('text'), 2n ** 60n, 2 ** 60, 1.5, -0, Number.NaN],
      missing: undefined,
    },
  };
  await session.commit();
  const next = await sessions.open(session.id);
  expect(next.variables['text']).toBe('이'.repeat(12));
  await next.abort();
});
