import { describeAdapter } from './adapter-suite.ts';
import { plainNode } from './adapters.ts';

describeAdapter(plainNode);
