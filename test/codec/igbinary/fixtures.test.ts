import { describeFixtures } from '../fixture-suite.ts';

describeFixtures('igbinary');
