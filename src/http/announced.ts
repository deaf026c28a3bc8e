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

type Method = (...args: readonly unknown[]) => unknown;
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
  for (const name of METHODS) {
    if (!Object.hasOwn(response, name)) continue;
    announced[SHADOWED] ??= {};
    announced[SHADOWED][name] = Reflect.get(response, name) as Method;
  }
  Object.defineProperties(response, isHttp1(response) ? HTTP1 : HTTP2);
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
  return Reflect.apply(method, response, args);
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

function getter(get: (this: Announced) => unknown): PropertyDescriptor {
  return { configurable: true, get };
}

const METHODS = ['setHeader', 'appendHeader', 'removeHeader', '_implicitHeader'] as const;

/** A method that Node refuses once headers are sent. */
function refusing(name: 'setHeader' | 'appendHeader' | 'removeHeader'): PropertyDescriptor {
  return {
    configurable: true,
    writable: true,
    value: function (this: Announced, ...args: readonly unknown[]) {
      if (hasSpoken(this)) refuseLate(this, name);
      return call(this, name, args);
    },
  };
}

const BOTH: PropertyDescriptorMap = {
  headersSent: getter(function () {
    return hasSpoken(this) || native(this, 'headersSent');
  }),
  setHeader: refusing('setHeader'),
  appendHeader: refusing('appendHeader'),
  removeHeader: refusing('removeHeader'),
};

/** `finished`, and with it `writableEnded`, is a plain property there: see `markEnded()`. */
const HTTP1: PropertyDescriptorMap = {
  ...BOTH,
  writableFinished: getter(function () {
    return !hasEnded(this) && native(this, 'writableFinished');
  }),
  // Older versions of compression ask `_header`, which nobody can fill, and then call this again.
  _implicitHeader: {
    configurable: true,
    writable: true,
    value: function (this: Announced) {
      if (!hasSpoken(this)) call(this, '_implicitHeader', []);
    },
  },
};

const HTTP2: PropertyDescriptorMap = {
  ...BOTH,
  writableEnded: getter(function () {
    return hasEnded(this) || native(this, 'writableEnded');
  }),
  finished: getter(function () {
    return hasEnded(this) || native(this, 'finished');
  }),
};

/** Node's own `write()` and `end()` then do what they do after an end. */
export function markEnded(response: ServerResponse, hasEnded: boolean): void {
  if (isHttp1(response)) (response as { finished: boolean }).finished = hasEnded;
}
