/** The scenarios, in the order in which they are played. */
import type { Scenario } from '../scenario.ts';
import { firstUse } from './first-use.ts';
import { forms } from './forms.ts';
import { hostile } from './hostile.ts';
import { importing } from './import.ts';
import { incident } from './incident.ts';
import { keyboard } from './keyboard.ts';
import { languages } from './languages.ts';
import { narrow } from './narrow.ts';
import { polling } from './polling.ts';
import { readOnly } from './read-only.ts';
import { rights } from './rights.ts';
import { serviceStates } from './service-states.ts';
import { statusBox } from './status-box.ts';
import { themes } from './themes.ts';
import { wanChange } from './wan-change.ts';

export const SCENARIOS: readonly Scenario[] = [
  firstUse,
  wanChange,
  incident,
  serviceStates,
  importing,
  forms,
  statusBox,
  hostile,
  readOnly,
  rights,
  keyboard,
  narrow,
  polling,
  themes,
  languages,
];
