import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Koa from 'koa';
import ts from 'typescript';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { SessionManager } from '../../src/index.ts';
import { phpSession } from '../../src/koa/index.ts';
import { serve } from '../http/server.ts';
import { example, examples, pages, run, sourceOf } from './examples.ts';

const scripts = examples().filter(({ language }) => ['js', 'ts', 'tsx'].includes(language));

describe('every block of code in the README and in docs/', () => {
  test.each(scripts.map((script) => [script.place, script] as const))(
    '%s is free of syntax errors',
    (_, { code, language }) => {
      const { diagnostics } = ts.transpileModule(code, {
        fileName: `example.${language}`,
        reportDiagnostics: true,
        compilerOptions: {
          target: ts.ScriptTarget.ES2022,
          module: ts.ModuleKind.ESNext,
          jsx: ts.JsxEmit.Preserve,
        },
      });
      expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
    },
  );

  test('cuts no TTL: who copies it has not said what PHP has', () => {
    for (const { place, code } of scripts) expect(code, place).not.toContain('gcMaxlifetime:');
  });

  test('imports only what this package exports', async () => {
    for (const { place, code } of scripts) {
      for (const [, names = '', entry = ''] of code.matchAll(
        /import \{([^}]*)\} from 'php-session-bridge(\/[\w-]+)?'/g,
      )) {
        const module = await import(sourceOf(entry));
        for (const name of names.split(',').map((text) => text.trim())) {
          if (name === '' || name.startsWith('type ')) continue;
          const isType = /^[A-Z]/.test(name) && !new RegExp(`\\bnew ${name}\\b`).test(code);
          if (!isType) expect(Object.keys(module), `${place} imports`).toContain(name);
        }
      }
    }
  });

  test('links lead to files that are there', () => {
    const root = new URL('../../', import.meta.url);
    for (const file of pages()) {
      const text = readFileSync(new URL(file, root), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
        expect(
          existsSync(fileURLToPath(new URL(target, new URL(file, root)))),
          `${file}: ${target}`,
        ).toBe(true);
      }
    }
  });
});

describe('without Redis', () => {
  test('docs/koa.md: testing an application', async () => {
    await run(example('docs/koa.md', 'MemorySaveHandler'));
  });

  test('README.md: testing an application', async () => {
    const createApp = (sessions: SessionManager) => {
      const app = new Koa();
      app.use(phpSession(sessions));
      app.use((ctx) => {
        ctx.body = `${ctx.session['userid']} has 1 things in the cart`;
      });
      return app;
    };
    let listener: ReturnType<Koa['callback']> | undefined;
    const address = await serve((req, res) => listener?.(req, res));
    await run(example('README.md', 'MemorySaveHandler'), {
      given: {
        address,
        assert,
        createApp: (sessions: SessionManager) => {
          const app = createApp(sessions);
          listener = app.callback();
          return app;
        },
      },
    });
    onTestFinished(() => {
      for (const name of ['address', 'assert', 'createApp'])
        Reflect.deleteProperty(globalThis, name);
    });
  });
});
