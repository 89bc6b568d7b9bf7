export interface UiText {
  id: string;
  plural?: string;
  /** What a code of the agent stands for. */
  remark?: string;
  /** Files it stands in, from the folder of the application. */
  places: string[];
}
export const OPTIONS_FILE: string;
export const SENTENCES_FILE: string;
export const TEMPLATE_FILE: string;
export function optionsText(): Promise<string>;
export function sentencesText(): Promise<string>;
export function textsOf(): Promise<UiText[]>;
export function templateText(): Promise<string>;
export function quoted(text: string): string;
