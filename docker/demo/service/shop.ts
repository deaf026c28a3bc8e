import type Koa from 'koa';
import { readForm } from './form.ts';

/** The people of the source documents; whoever comes is believed, it is a demo. */
const PEOPLE: Readonly<Record<string, string>> = { lde: '이다은oooaa', kky: '홍길동' };

interface CartEntry {
  item: string;
  by: string;
}

/**
 * What a visitor can do at the Koa service. `ctx.session` is PHP's `$_SESSION`: the names are those
 * of the PHP services.
 */
export const actions: Readonly<Record<string, (ctx: Koa.Context) => Promise<void>>> = {
  async 'POST /node/login'(ctx) {
    const userid = (await readForm(ctx.req)).get('userid') ?? 'lde';
    await ctx.phpSession.regenerate();
    ctx.session.username = PEOPLE[userid] ?? userid;
    ctx.session.userid = userid;
  },

  async 'POST /node/cart'(ctx) {
    const item = (await readForm(ctx.req)).get('item') ?? 'coffee';
    ctx.session.cart ??= [];
    (ctx.session.cart as CartEntry[]).push({ item, by: 'Node' });
  },

  async 'POST /node/logout'(ctx) {
    ctx.session = null;
  },

  async 'POST /node/visit'(ctx) {
    // The old value decides about the new one, so the change is applied again if somebody was quicker.
    await ctx.phpSession.update((session) => {
      session.visits = Number(session.visits ?? 0) + 1;
    });
  },

  async 'GET /node/'() {},
};
