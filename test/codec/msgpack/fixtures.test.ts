import { describeFixtures } from '../fixture-suite.ts';

describeFixtures('msgpack');
