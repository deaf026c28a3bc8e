// Koa 2 under its second name here has the types of Koa.
declare module 'koa2' {
  export { default } from 'koa';
}

// koa-passport ships no types; this is what the tests use of it.
declare module 'koa-passport' {
  import type { Middleware } from 'koa';
  export class KoaPassport {
    initialize(): Middleware;
    session(): Middleware;
    serializeUser<Id>(
      serialize: (user: unknown, done: (error: unknown, id: Id) => void) => void,
    ): void;
    deserializeUser<Id>(
      deserialize: (id: Id, done: (error: unknown, user: unknown) => void) => void,
    ): void;
  }
}
