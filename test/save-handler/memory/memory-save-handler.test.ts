import { MemorySaveHandler } from '../../../src/save-handler/memory/memory-save-handler.ts';
import { saveHandlerContract } from '../contract.ts';

saveHandlerContract('memory', async () => {
  const shared = new MemorySaveHandler();
  return {
    make: (options) => new MemorySaveHandler(options, shared),
    ttl: async (id) => shared.ttl(id),
    stop: async () => {},
  };
});
