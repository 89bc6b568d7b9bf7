import { ROUTER } from './router.ts';
import { testFaults } from './suite.ts';

testFaults(ROUTER);
