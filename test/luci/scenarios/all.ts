/** The scenarios, in the order in which they are played. */
import type { Scenario } from '../scenario.ts';
import { firstUse } from './first-use.ts';
import { importing } from './import.ts';
import { incident } from './incident.ts';
import { keyboard } from './keyboard.ts';
import { narrow } from './narrow.ts';
import { polling } from './polling.ts';
import { readOnly } from './read-only.ts';
import { serviceStates } from './service-states.ts';
import { statusBox } from './status-box.ts';
import { wanChange } from './wan-change.ts';

export const SCENARIOS: readonly Scenario[] = [
  firstUse,
  wanChange,
  incident,
  serviceStates,
  importing,
  statusBox,
  readOnly,
  keyboard,
  narrow,
  polling,
];
