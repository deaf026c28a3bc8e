/**
 * What an application has said by `writeHead()`, `write()` or `end()` is said, even while the
 * response is held back: `headersSent` and `writableEnded` are true, headers cannot be changed any
 * more. Otherwise a second answer (`if (!res.headersSent) …`, a time-out) would change the first.
 */
import type { ServerResponse } from 'node:http';
import { isHttp1, refuseLate } from './node-errors.ts';

/** One that holds back a response. */
export interface Announcer {
  /** Those of the same response are numbered from the inside. */
  readonly level: number;
  /** Something was said that has not gone out. */
  readonly hasSpoken: boolean;
  /** The end is among it. */
  readonly hasEnded: boolean;
}

const ANNOUNCERS = Symbol('announcers');
const SHADOWED = Symbol('shadowed');

type Method = (this: never, ...args: readonly unknown[]) => unknown;
interface Announced extends ServerResponse {
  [ANNOUNCERS]?: Announcer[];
  /** Methods that others had put onto this one response before. */
  [SHADOWED]?: Record<string, Method>;
}

/** The response on whose headers we ourselves are at work. */
let ours: ServerResponse | undefined;

/** For our own changes of a response that has announced something. */
export function unannounced<T>(response: ServerResponse, work: () => T): T {
  const before = ours;
  ours = response;
  try {
    return work();
  } finally {
    ours = before;
  }
}

/**
 * From now on the response asks this announcer. Only here, and not with the first gate, since most
 * responses never need it.
 */
export function announce(response: ServerResponse, announcer: Announcer): void {
  const announced = response as Announced;
  const present = announced[ANNOUNCERS];
  if (present !== undefined) {
    if (!present.includes(announcer)) present.push(announcer);
    return;
  }
  announced[ANNOUNCERS] = [announcer];
  const { methods, getters } = isHttp1(response) ? HTTP1 : HTTP2;
  for (const name of Object.keys(methods)) {
    if (!Object.hasOwn(response, name)) continue;
    announced[SHADOWED] ??= {};
    announced[SHADOWED][name] = Reflect.get(response, name) as Method;
  }
  // Assigned, and not defined all at once: a fourth of the time.
  Object.assign(response, methods);
  for (const [name, getter] of getters) Object.defineProperty(response, name, getter);
}

/** Are headers out, or said by an announcer further inside? Then no more can be added at this level. */
export function areHeadersOut(response: ServerResponse, level: number): boolean {
  const announcers = (response as Announced)[ANNOUNCERS];
  if (announcers === undefined) return response.headersSent;
  if (native(response, 'headersSent') === true) return true;
  return announcers.some((announcer) => announcer.level < level && announcer.hasSpoken);
}

/** Has the response itself ended, whatever was announced? */
export function isOver(response: ServerResponse): boolean {
  return (response as Announced)[ANNOUNCERS] === undefined
    ? response.writableEnded
    : native(response, 'writableEnded') === true;
}

function native(response: ServerResponse, property: string): unknown {
  return Reflect.get(Object.getPrototypeOf(response) as object, property, response);
}

function call(response: Announced, name: string, args: readonly unknown[]): unknown {
  const method = response[SHADOWED]?.[name] ?? (native(response, name) as Method);
  return Reflect.apply(method, response as never, args);
}

function hasSpoken(response: Announced): boolean {
  return (
    response !== ours && (response[ANNOUNCERS]?.some((announcer) => announcer.hasSpoken) ?? false)
  );
}

function hasEnded(response: Announced): boolean {
  return (
    response !== ours && (response[ANNOUNCERS]?.some((announcer) => announcer.hasEnded) ?? false)
  );
}

type Getter = readonly [name: string, descriptor: PropertyDescriptor];

interface Shadows {
  readonly methods: Readonly<Record<string, Method>>;
  readonly getters: readonly Getter[];
}

function getter(name: string, get: (this: Announced) => unknown): Getter {
  return [name, { configurable: true, get }];
}

/** A method that Node refuses once headers are sent. */
function refusing(name: 'setHeader' | 'appendHeader' | 'removeHeader'): Method {
  return function (this: Announced, ...args) {
    if (hasSpoken(this)) refuseLate(this, name);
    return call(this, name, args);
  };
}

const REFUSING = {
  setHeader: refusing('setHeader'),
  appendHeader: refusing('appendHeader'),
  removeHeader: refusing('removeHeader'),
};
const HEADERS_SENT = getter('headersSent', function () {
  return hasSpoken(this) || native(this, 'headersSent');
});

/** `finished`, and with it `writableEnded`, is a plain property there: see `markEnded()`. */
const HTTP1: Shadows = {
  methods: {
    ...REFUSING,
    // Older versions of compression ask `_header`, which nobody can fill, and then call this again.
    _implicitHeader(this: Announced) {
      if (!hasSpoken(this)) call(this, '_implicitHeader', []);
    },
  },
  getters: [
    HEADERS_SENT,
    getter('writableFinished', function () {
      return !hasEnded(this) && native(this, 'writableFinished');
    }),
  ],
};

const HTTP2: Shadows = {
  methods: REFUSING,
  getters: [
    HEADERS_SENT,
    getter('writableEnded', function () {
      return hasEnded(this) || native(this, 'writableEnded');
    }),
    getter('finished', function () {
      return hasEnded(this) || native(this, 'finished');
    }),
  ],
};

/** What the response itself says of its end; while it is held back nobody but us calls its `end()`. */
export function markEnded(response: ServerResponse, hasEnded: boolean): void {
  if (isHttp1(response)) (response as { finished: boolean }).finished = hasEnded;
}
