/** Turns the JSON Schemas into validation code at build time, so that no schema compiler ships. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standaloneCode from 'ajv/dist/standalone/index.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const banner = '// Generated from the JSON Schemas by schemas/compile.mjs. Do not edit.\n';

/**
 * Writes `validate.generated.js` and its types into a folder: one validator for each section type, and the
 * facts about each option that messages need.
 */
export async function compileConfigSchema(outDir = join(here, '../agent/config')) {
  const schema = JSON.parse(await readFile(join(here, 'config.schema.json'), 'utf8'));
  const types = Object.keys(schema.$defs);
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    messages: false,
    strictRequired: true,
    code: { source: true, esm: true, optimize: 2 },
  });
  for (const type of types) {
    ajv.addSchema(checkedPart(schema.$defs[type]), type);
  }
  const code = standaloneCode.default(
    ajv,
    Object.fromEntries(types.map((type) => [validatorName(type), type])),
  );
  const sections = Object.fromEntries(types.map((type) => [type, sectionFacts(schema.$defs[type])]));
  await writeFile(
    join(outDir, 'validate.generated.js'),
    `${banner}${withoutDetails(code)}\nexport const sectionFacts = ${JSON.stringify(sections, null, 2)};\n`,
  );
  await writeFile(join(outDir, 'validate.generated.d.ts'), banner + declarations(schema.$defs));
}

/** The same for what the agent remembers: validators of `state.json` and `published.json`. */
export async function compileStateSchema(outDir = join(here, '../agent/store')) {
  const schema = JSON.parse(await readFile(join(here, 'state.schema.json'), 'utf8'));
  // Which fault it is interests nobody: a damaged file is set aside as a whole.
  const ajv = new Ajv2020({
    messages: false,
    strictTypes: false,
    code: { source: true, esm: true, optimize: 2 },
  });
  ajv.addSchema(schema);
  const code = standaloneCode.default(ajv, {
    validateState: `${schema.$id}#/$defs/state`,
    validatePublished: `${schema.$id}#/$defs/published`,
  });
  const withoutErrors = withoutDetails(code).replace(
    /const schema\d+ = \{.*?\};(?=const |function |export )/g,
    '',
  );
  await writeFile(join(outDir, 'validate.generated.js'), banner + withoutErrors);
  await writeFile(
    join(outDir, 'validate.generated.d.ts'),
    `${banner}import type { PublishedFile, StateFile } from './state-file.ts';

export function validateState(value: unknown): value is StateFile;
export function validatePublished(value: unknown): value is PublishedFile;
`,
  );
}

/**
 * The part of a section's schema that the code must check, written so that the code needs no copy of the
 * schema: unknown options are the loader's business (it only warns), an enum becomes a pattern.
 */
function checkedPart(section) {
  const properties = {};
  for (const [name, property] of Object.entries(section.properties)) {
    const { title: _title, description: _description, enum: words, ...rest } = property;
    const checked = Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith('x-')));
    properties[name] = words ? { ...checked, pattern: `^(${words.join('|')})$` } : checked;
  }
  return { type: 'object', required: section.required ?? [], properties };
}

/** Leaves out what no message uses: a third of the code. */
function withoutDetails(code) {
  const string = String.raw`"(?:[^"\\]|\\.)*"`;
  return code
    .replace(new RegExp(`,schemaPath:${string}`, 'g'), '')
    .replace(new RegExp(`,params:\\{(?:pattern|type|comparison|limit): ?(?:${string}|[^}"])*\\}`, 'g'), '');
}

function sectionFacts(section) {
  const options = Object.entries(section.properties).map(([name, property]) => [
    name,
    {
      type: property.type,
      enum: property.enum,
      minimum: property.minimum,
      maximum: property.maximum,
      default: property.default,
      unit: property['x-unit'],
      allowed: property['x-allowed'],
      secret: property['x-secret'],
      later: property['x-later'],
      planned: property['x-planned'],
    },
  ]);
  return { later: section['x-later'], options: Object.fromEntries(options) };
}

function declarations(sections) {
  let text = `
/** One fault; \`instancePath\` is \`/OPTION\` or \`/OPTION/INDEX\`. */
export interface SchemaFault {
  instancePath: string;
  keyword: string;
  /** Present for the keyword "required". */
  params?: { missingProperty?: string };
}

/** Fills in defaults; the faults stand in \`errors\` until the next call. */
export interface Validator<T> {
  (value: unknown): value is T;
  errors?: SchemaFault[] | null;
}

/** What the schema says of one option. */
export interface OptionFacts {
  type: 'boolean' | 'integer' | 'string' | 'array';
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: unknown;
  unit?: string;
  allowed?: string;
  secret?: boolean;
  later?: boolean;
  planned?: string[];
}

export interface SectionFacts {
  later?: boolean;
  options: Record<string, OptionFacts>;
}

export type SectionType = ${Object.keys(sections)
    .map((type) => `'${type}'`)
    .join(' | ')};
export const sectionFacts: Record<SectionType, SectionFacts>;
`;
  for (const [type, section] of Object.entries(sections)) {
    const name = `${type[0].toUpperCase()}${type.slice(1)}Options`;
    text += `\nexport interface ${name} {\n`;
    for (const [option, property] of Object.entries(section.properties)) {
      const present = 'default' in property || section.required?.includes(option);
      text += `  /** ${property.description}${property['x-unit'] ? ` In ${property['x-unit']}.` : ''} */\n`;
      text += `  ${option}${present ? '' : '?'}: ${typeOf(property)};\n`;
    }
    text += `}\nexport const ${validatorName(type)}: Validator<${name}>;\n`;
  }
  return text;
}

function typeOf(property) {
  if (property.enum) {
    return property.enum.map((value) => `'${value}'`).join(' | ');
  }
  return { boolean: 'boolean', integer: 'number', string: 'string', array: 'string[]' }[property.type];
}

function validatorName(type) {
  return `validate${type[0].toUpperCase()}${type.slice(1)}`;
}
