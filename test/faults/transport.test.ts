import { testFaults } from './suite.ts';
import { TRANSPORT } from './transport.ts';

testFaults(TRANSPORT);
