import { describe, expect, it } from 'vitest';
import {
  type CodecError,
  decodeSession,
  encodeSession,
  PhpFloat,
  PhpObject,
  serialize,
  unserialize,
} from '../../src/codec/index.ts';

type Session = Record<string, unknown>;

/** What `$_SESSION` is after the same edit in JavaScript; the bytes on the right are PHP's. */
function edit(before: string, change: (session: Session) => void): string {
  const bytes = Buffer.from(before, 'latin1');
  const session = decodeSession<Session>(bytes, { handler: 'php' });
  change(session);
  return encodeSession(session, { handler: 'php' }).toString('latin1');
}

function codeOf(run: () => unknown): [string, string | undefined] {
  try {
    run();
  } catch (error) {
    return [(error as CodecError).code, (error as CodecError).path];
  }
  return ['', undefined];
}

describe('floats', () => {
  it.each<[string, string, (s: Session) => void, string]>([
    [
      'a keyed slot stays a float',
      'a|a:1:{s:1:"p";d:12;}',
      (s) => {
        (s['a'] as { p: number }).p = 13;
      },
      'a|a:1:{s:1:"p";d:13;}',
    ],
    [
      'also at the root',
      'p|d:12;',
      (s) => {
        s['p'] = 13;
      },
      'p|d:13;',
    ],
    [
      'a list of floats',
      'l|a:1:{i:0;d:1;}',
      (s) => {
        (s['l'] as number[]).push(2);
      },
      'l|a:2:{i:0;d:1;i:1;d:2;}',
    ],
    [
      'a mixed list, spliced',
      'l|a:3:{i:0;d:1;i:1;i:2;i:2;d:3;}',
      (s) => {
        (s['l'] as number[]).splice(1, 1, 7, 8);
      },
      'l|a:4:{i:0;d:1;i:1;i:7;i:2;i:8;i:3;d:3;}',
    ],
    [
      'a mixed list, reversed',
      'l|a:3:{i:0;d:1;i:1;i:2;i:2;d:3;}',
      (s) => {
        (s['l'] as number[]).reverse();
      },
      'l|a:3:{i:0;d:3;i:1;i:2;i:2;d:1;}',
    ],
    [
      'a copy inherits what did not change',
      'a|a:2:{s:1:"p";d:12;s:1:"q";d:1;}',
      (s) => {
        s['a'] = { ...(s['a'] as object), q: 2 };
      },
      'a|a:2:{s:1:"p";d:12;s:1:"q";i:2;}',
    ],
    [
      'a text of another precision',
      'p|d:0.10000000000000001;q|i:1;',
      (s) => {
        s['q'] = 2;
      },
      'p|d:0.10000000000000001;q|i:2;',
    ],
    [
      'a new integer-like number',
      'a|i:1;',
      (s) => {
        s['b'] = new PhpFloat(1);
      },
      'a|i:1;b|d:1;',
    ],
  ])('%s', (_, before, change, after) => {
    expect(edit(before, change)).toBe(after);
  });
});

describe('order', () => {
  it('a lower integer key comes last, as in PHP', () => {
    const after = edit('c|a:2:{i:17;i:1;i:42;i:1;}', (s) => {
      (s['c'] as Record<number, number>)[5] = 1;
    });
    expect(after).toBe('c|a:3:{i:17;i:1;i:42;i:1;i:5;i:1;}');
  });

  it('an emptied list takes names', () => {
    const after = edit('c|a:0:{}', (s) => {
      (s['c'] as Record<string, number>)['x'] = 1;
    });
    expect(after).toBe('c|a:1:{s:1:"x";i:1;}');
  });
});

describe('references', () => {
  const shared = 'a|i:5;b|R:1;c|i:1;';

  it('assigning one holder assigns all', () => {
    expect(
      edit(shared, (s) => {
        s['b'] = 6;
      }),
    ).toBe('a|i:6;b|R:1;c|i:1;');
  });

  it('two different assignments contradict each other', () => {
    const run = () =>
      edit(shared, (s) => {
        s['a'] = 7;
        s['b'] = 6;
      });
    expect(codeOf(run)).toEqual(['ERR_PSB_CODEC_REFERENCE', 'b']);
  });

  it('are numbered anew when something before them grows', () => {
    const after = edit('n|a:0:{}o|O:8:"stdClass":0:{}p|r:2;', (s) => {
      (s['n'] as number[]).push(1, 2);
    });
    expect(after).toBe('n|a:2:{i:0;i:1;i:1;i:2;}o|O:8:"stdClass":0:{}p|r:4;');
  });
});

describe('objects', () => {
  const user = 'u|O:4:"User":2:{s:4:"name";s:3:"Ada";s:6:"\0*\0age";i:36;}';

  it('keep class, visibility and order', () => {
    const after = edit(user, (s) => {
      const object = s['u'] as PhpObject;
      object['age'] = 37;
      object['extra'] = true;
    });
    expect(after).toBe(
      'u|O:4:"User":3:{s:4:"name";s:3:"Ada";s:6:"\0*\0age";i:37;s:5:"extra";b:1;}',
    );
  });

  it('with() makes a changed copy', () => {
    const after = edit(user, (s) => {
      s['u'] = (s['u'] as PhpObject).with({ age: 40 });
    });
    expect(after).toBe('u|O:4:"User":2:{s:4:"name";s:3:"Ada";s:6:"\0*\0age";i:40;}');
  });

  it('are not replaced by plain objects unawares', () => {
    const run = () =>
      edit(user, (s) => {
        s['u'] = { ...(s['u'] as object) };
      });
    expect(codeOf(run)).toEqual(['ERR_PSB_CLASS_LOST', 'u']);
    const after = edit(user, (s) => {
      s['u'] = PhpObject.toArray({ a: 1 });
    });
    expect(after).toBe('u|a:1:{s:1:"a";i:1;}');
  });

  it.each([0, 1, 2])('nor in an array that begins like a list, the one at %i', (at) => {
    const object = 'O:1:"U":1:{s:1:"a";i:1;}';
    const run = () =>
      edit(`l|a:3:{i:0;${object}i:1;${object}i:5;${object}}`, (s) => {
        const list = s['l'] as Record<number, object>;
        const key = [0, 1, 5][at] as number;
        list[key] = { ...list[key] };
      });
    expect(codeOf(run)).toEqual(['ERR_PSB_CLASS_LOST', `l[${[0, 1, 5][at]}]`]);
  });

  it('are made with visibility', () => {
    const visibility = { b: 'protected', c: 'private', d: { private: 'P' } } as const;
    const object = new PhpObject('C', { a: 1, b: 2, c: 3, d: 4 }, { visibility });
    expect(serialize(object).toString('latin1')).toBe(
      'O:1:"C":4:{s:1:"a";i:1;s:4:"\0*\0b";i:2;s:4:"\0C\0c";i:3;s:4:"\0P\0d";i:4;}',
    );
  });

  it('show hidden properties of the same name', () => {
    const text = 'O:2:"Ch":2:{s:5:"\0Ch\0x";i:2;s:4:"\0P\0x";d:3;}';
    const object = unserialize<PhpObject>(Buffer.from(text, 'latin1'));
    expect(object['x']).toBe(2);
    expect(PhpObject.get(object, 'x', 'P')).toBe(3);
    expect(serialize(object).toString('latin1')).toBe(text);
  });
});

describe('only', () => {
  it.each(['php', 'php_binary', 'php_serialize'] as const)(
    'makes just these under %s',
    (handler) => {
      const all = { a: [1, { b: 2 }], userid: 42, c: 'x' };
      const bytes = encodeSession(all, { handler });
      expect(decodeSession(bytes, { handler, only: ['userid'] })).toEqual({ userid: 42 });
    },
  );
});
