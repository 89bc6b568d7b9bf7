import { DNS } from './dns.ts';
import { testFaults } from './suite.ts';

testFaults(DNS);
