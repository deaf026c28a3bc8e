import { describeAdapter } from './adapter-suite.ts';
import { koa3 } from './adapters.ts';

describeAdapter(koa3);
