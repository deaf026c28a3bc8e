import { describeAdapter } from './adapter-suite.ts';
import { koa2 } from './adapters.ts';

describeAdapter(koa2);
