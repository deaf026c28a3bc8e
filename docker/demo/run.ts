import { parseArgs } from 'node:util';
import { startComposeDemo } from './compose.ts';
import type { DemoHandler, DemoSettings } from './service/settings.ts';
import { type Demo, startDemo } from './services.ts';
import { PEOPLE, playStory } from './story.ts';

const HELP = `npm run demo                 play the story, under both prefixes
npm run demo -- --serve      keep the demo running and print its address
npm run demo -- --docker     the same in containers, with Docker Compose

  --handler <phpredis|class|merging>   PHP's save handler; without it one after the other
  --serialize-handler <name>           php (default), php_serialize, php_binary, igbinary, msgpack
  --instances <number>                 how many of each service stand behind the proxy
  --port <number>                      where --serve listens (8080, or a free one)
`;

const { values } = parseArgs({
  options: {
    serve: { type: 'boolean', default: false },
    docker: { type: 'boolean', default: false },
    handler: { type: 'string' },
    'serialize-handler': { type: 'string', default: 'php' },
    instances: { type: 'string', default: '1' },
    port: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

let running: Demo | undefined;
const print = (line: string): void => console.log(line);

async function main(): Promise<void> {
  if (values.help) return print(HELP);
  const handlers = (values.handler ? [values.handler] : ['phpredis', 'class']) as DemoHandler[];
  if (values.serve) return serve(handlers[0] ?? 'phpredis');
  for (const handler of handlers) {
    const demo = await start(handler);
    running = demo;
    try {
      await tell(handler, demo.url, demo.prefix);
    } finally {
      await demo.stop();
      running = undefined;
    }
  }
  print('\nOne login, three services, two languages: every step was as it should be.');
}

function start(handler: DemoHandler, port?: number): Promise<Demo> {
  return (values.docker ? startComposeDemo : startDemo)({
    handler,
    serializeHandler: values['serialize-handler'] as DemoSettings['serializeHandler'],
    instances: Number(values.instances),
    ...(port === undefined ? {} : { port }),
  });
}

async function tell(handler: DemoHandler, url: string, prefix: string): Promise<void> {
  for (const person of PEOPLE) {
    const keeper = handler === 'phpredis' ? "phpredis's own handler" : `the PHP class (${handler})`;
    print(
      `\n== ${person.username} / ${person.userid}, sessions kept by ${keeper}, prefix ${prefix}\n`,
    );
    await playStory({ url, person, prefix, print });
  }
}

async function serve(handler: DemoHandler): Promise<void> {
  const demo = await start(handler, Number(values.port ?? 8080));
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
    print(`\nThe demo runs at ${demo.url}/ (sessions under ${demo.prefix}); Ctrl+C ends it.`);
  });
  await demo.stop();
}

// Ended from outside, the story takes its servers and containers with it.
if (!values.serve) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      await running?.stop();
      process.exit(1);
    });
  }
}

try {
  await main();
} catch (error) {
  console.error(`\nThe story failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
