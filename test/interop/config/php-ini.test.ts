import { phpIniSuite } from './php-ini-suite.ts';
import { installedPhp } from './php-under-test.ts';

phpIniSuite('installed PHP', installedPhp);
