import { testFaults } from './suite.ts';
import { WORDS } from './words.ts';

testFaults(WORDS);
