import { createApp } from './app.ts';
import { settingsFromEnvironment } from './settings.ts';

const settings = settingsFromEnvironment();
const { app, close } = createApp(settings);
const server = app.listen(settings.port, settings.host, () => {
  console.log(`${settings.instance} listening on ${settings.host}:${settings.port}`);
});

async function shutDown(): Promise<void> {
  server.close();
  server.closeIdleConnections();
  await close();
  process.exit(0);
}

process.once('SIGTERM', shutDown);
process.once('SIGINT', shutDown);
