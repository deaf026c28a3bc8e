import { once } from 'node:events';
import type { Route } from './adapter-under-test.ts';

/** The routes that every adapter serves in the suite. */
export const routes: Readonly<Record<string, Route>> = {
  '/ignore': () => 'ok',
  '/show': ({ session }) => ({ ...session }),
  '/set': ({ session, query }) => {
    for (const [name, value] of query) session[name] = value;
    return { ...session };
  },
  '/buy': ({ session, query }) => {
    const cart = Array.isArray(session['cart']) ? session['cart'] : [];
    session['cart'] = [...cart, query.get('item')];
    return session['cart'];
  },
  '/login': async ({ session, phpSession, query }) => {
    await phpSession.regenerate();
    session['userid'] = query.get('userid');
    return phpSession.id;
  },
  '/logout': (visit) => {
    visit.session = null;
    return Object.keys(visit.session);
  },
  '/replace': (visit) => {
    visit.session = { only: 'this' };
    return 'ok';
  },
  '/throw': async ({ session, phpSession, query }) => {
    if (query.has('regenerate')) await phpSession.regenerate();
    session['tries'] = 1;
    throw query.has('string') ? 'not an error' : new Error('the handler failed');
  },
  '/stream': async (visit) => {
    const { session, phpSession, res, query } = visit;
    visit.answersItself();
    session['streamed'] = 'yes';
    if (query.has('save')) await phpSession.save();
    res.writeHead(200, { 'Content-Type': 'text/plain' });
    res.write('first ');
    res.end('last');
  },
  '/twice': (visit) => {
    const { session, res } = visit;
    visit.answersItself();
    session['answered'] = 'once';
    res.setHeader('Content-Length', '5').end('first');
    if (!res.headersSent) res.setHeader('Content-Length', '6').end('second');
  },
  '/redirect-nowhere': ({ session, res }) => {
    session['tries'] = 1;
    res.writeHead(302, { Location: '/search?q=검색' });
    return 'ok';
  },
  '/late': (visit) => {
    visit.answersItself();
    visit.res.write('first ');
    visit.session['late'] = 1;
    visit.res.end('last');
  },
  '/late-regenerate': async (visit) => {
    visit.answersItself();
    visit.res.write('first ');
    const code = await visit.phpSession.regenerate().catch((error) => error.code);
    visit.res.end(code);
  },
  '/slow': async ({ session, res }) => {
    await once(res, 'close');
    session['finished'] = 'without the client';
    return 'ok';
  },
};
