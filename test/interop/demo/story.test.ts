import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DemoHandler } from '../../../docker/demo/service/settings.ts';
import { type Demo, startDemo } from '../../../docker/demo/services.ts';
import { countAcrossInstances, PEOPLE, playStory } from '../../../docker/demo/story.ts';

/** As `npm run demo` has it, with two instances of every service behind nginx, without stickiness. */
describe.each<DemoHandler>(['phpredis', 'class', 'merging'])('the story with %s', (handler) => {
  let demo: Demo;
  beforeAll(async () => {
    demo = await startDemo({ handler, instances: 2 });
  });
  afterAll(async () => {
    await demo?.stop();
  });

  it.each(PEOPLE)('is as it should be for $userid', async (person) => {
    const lines: string[] = [];
    await playStory({
      url: demo.url,
      prefix: demo.prefix,
      person,
      print: (line) => lines.push(line),
    });
    const told = lines.join('\n');
    expect(told).toContain(`${demo.prefix}`);
    expect(told).toContain(`username|s:${Buffer.byteLength(person.username)}:"${person.username}"`);
  });

  it('counts without gaps or repeats over two instances of each service', async () => {
    const { counts, instances } = await countAcrossInstances(demo.url, 12);
    expect(counts).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
    expect([...instances].sort()).toEqual(['node-1', 'node-2', 'task-1', 'task-2']);
  });
});

it.each(['php_serialize', 'php_binary', 'igbinary', 'msgpack'] as const)(
  'the story with session.serialize_handler = %s',
  async (serializeHandler) => {
    const demo = await startDemo({ handler: 'phpredis', serializeHandler });
    try {
      const [person] = PEOPLE;
      await playStory({ url: demo.url, prefix: demo.prefix, person: person!, print: () => {} });
    } finally {
      await demo.stop();
    }
  },
);
