// The floors of the house, lowest first: an import goes down or stays, never up and never in a circle.
const floors = [
  ['errors', '^src/errors\\.ts$'],
  ['codec', '^src/codec/'],
  ['save-handler', '^src/save-handler/'],
  ['session', '^src/session/'],
  ['config', '^src/config/'],
  ['http', '^src/http/'],
  ['adapters', '^src/(koa|koa-session|express|fastify|hono)/'],
  ['entries', '^src/(index|testing)\\.ts$'],
  ['cli', '^src/cli/'],
];

// An adapter only translates for its own framework; what two of them need belongs to http.
const adapters = ['koa', 'koa-session', 'express', 'fastify', 'hono'];

module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'Two files that need each other are one concept, or the floors are drawn wrongly.',
      from: {},
      to: { circular: true },
    },
    ...floors.slice(0, -1).map(([name, path], at) => ({
      name: `${name}-imports-only-downwards`,
      severity: 'error',
      from: { path },
      to: { path: floors.slice(at + 1).map(([, higher]) => higher) },
    })),
    {
      name: 'session-knows-no-storage',
      severity: 'error',
      comment: 'The session module works over the SaveHandler interface; config chooses the kind.',
      from: { path: '^src/session/' },
      to: { path: '^src/save-handler/(redis|memory)/' },
    },
    {
      name: 'save-handlers-take-only-compression-from-the-codec',
      severity: 'error',
      from: { path: '^src/save-handler/' },
      to: { path: '^src/codec/', pathNot: '^src/codec/compression/' },
    },
    {
      name: 'codec-is-pure',
      severity: 'error',
      comment:
        'No I/O and no network in the codec; zlib is arithmetic. Only zstd.ts reads a file: the ' +
        'WebAssembly of its optional peer. And output.ts keeps its memory from being transferred.',
      from: { path: '^src/codec/', pathNot: '^src/codec/(compression/zstd|output)\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|zlib|util|assert|os)$' },
    },
    {
      name: 'codec-has-no-dependencies',
      severity: 'error',
      from: { path: '^src/codec/' },
      to: { path: 'node_modules/' },
    },
    {
      name: 'redis-clients-only-below-config',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(save-handler/redis|config|cli)/' },
      to: { path: 'node_modules/(ioredis|ioredis5|redis|@redis)/' },
    },
    ...adapters.map((name) => ({
      name: `${name}-knows-no-other-adapter`,
      severity: 'error',
      from: { path: `^src/${name}/` },
      to: { path: `^src/(${adapters.filter((other) => other !== name).join('|')})/` },
    })),
    {
      name: 'no-development-dependency-in-the-package',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
    {
      name: 'src-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|docker|php)/' },
    },
    {
      name: 'tests-do-not-need-the-demo',
      severity: 'error',
      comment: 'The demo may import the services of the tests, never the reverse.',
      from: { path: '^test/(services|fixtures)/' },
      to: { path: '^docker/' },
    },
    {
      name: 'not-to-unresolvable',
      severity: 'error',
      from: { path: '^(src|docker)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['types', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.d.ts', '.json'],
    },
  },
};
