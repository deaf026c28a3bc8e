import { program } from '../../services/programs.ts';
import { savePathSuite } from './save-path-suite.ts';

savePathSuite('installed PHP', () => [program('php')], '127.83.1.1');
