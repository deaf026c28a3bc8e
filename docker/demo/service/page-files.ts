import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type Koa from 'koa';

const FOLDER = new URL('../page/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
// Nothing from elsewhere, nothing inline: values of sessions are shown as text and as nothing else.
const POLICY =
  "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** The page's files at `/` and `/page/…`; they are few, and read again each time so that one can edit. */
export function sendFile(ctx: Koa.Context): boolean {
  const name = ctx.path === '/' ? 'index.html' : ctx.path.slice('/page/'.length);
  // Only names that are in the folder, so that no path leads out of it.
  if (!readdirSync(FOLDER).includes(name)) return false;
  ctx.type = TYPES[extname(name)] ?? 'application/octet-stream';
  ctx.set('Cache-Control', 'no-cache');
  ctx.set('Content-Security-Policy', POLICY);
  ctx.set('X-Content-Type-Options', 'nosniff');
  ctx.set('Referrer-Policy', 'no-referrer');
  ctx.body = readFileSync(new URL(name, FOLDER));
  return true;
}
