/**
 * Turns the JSON Schemas into small checks at build time, so that no schema compiler and no schema ships: a
 * table for the options of the configuration, a yes or no for the saved files. Only the keywords named here
 * are known; any other one fails the build. The tests compare the checks with Ajv.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const banner = '// Generated from the JSON Schemas by schemas/compile.mjs. Do not edit.\n';
/** Keywords for people. */
const ANNOTATIONS = ['title', 'description'];

/**
 * Writes `validate.generated.js` and its types into a folder: the facts about each option of each section
 * type, which messages need as well, and one validator for each section type.
 */
export async function compileConfigSchema(outDir = join(here, '../agent/config')) {
  const { $defs } = JSON.parse(await readFile(join(here, 'config.schema.json'), 'utf8'));
  const sections = Object.entries($defs);
  const facts = Object.fromEntries(sections.map(([type, section]) => [type, sectionFacts(type, section)]));
  const validators = sections.map(
    ([type]) => `export const ${validatorName(type)} = /* @__PURE__ */ validatorOf(sectionFacts.${type});\n`,
  );
  await writeFile(
    join(outDir, 'validate.generated.js'),
    `${banner}import { validatorOf } from './options.ts';

export const sectionFacts = ${JSON.stringify(facts, null, 2)};
${validators.join('')}`,
  );
  await writeFile(join(outDir, 'validate.generated.d.ts'), banner + declarations($defs));
}

function sectionFacts(type, section) {
  const { properties, required = [], additionalProperties, ...rest } = section;
  if (rest.type !== 'object' || additionalProperties !== false) {
    throw new Error(`config.schema.json: section ${type} must be a closed object`);
  }
  refuseUnknown(`section ${type}`, rest, ['type', 'x-later', ...ANNOTATIONS]);
  const options = Object.entries(properties).map(([name, property]) => [
    name,
    { ...optionFacts(`${type}.${name}`, property), ...(required.includes(name) ? { required: true } : {}) },
  ]);
  return { later: section['x-later'], options: Object.fromEntries(options) };
}

const OPTION_FACTS = ['type', 'enum', 'pattern', 'minimum', 'maximum', 'minItems', 'default'];
const EXTRA_FACTS = ['unit', 'allowed', 'secret', 'later', 'planned'];

function optionFacts(place, { items, ...property }) {
  const extra = EXTRA_FACTS.map((name) => `x-${name}`);
  refuseUnknown(place, property, [...OPTION_FACTS, ...extra, ...ANNOTATIONS]);
  const facts = [
    ...OPTION_FACTS.map((name) => [name, property[name]]),
    ...EXTRA_FACTS.map((name) => [name, property[`x-${name}`]]),
  ];
  if (property.type === 'array') {
    refuseUnknown(`${place}, items`, items, ['type', 'pattern']);
    if (items.type !== 'string' || 'pattern' in property) {
      throw new Error(`config.schema.json: ${place} must be a list of texts`);
    }
    facts.push(['pattern', items.pattern]);
  }
  return Object.fromEntries(facts.filter(([, value]) => value !== undefined));
}

/** The same for what the agent remembers: checks of `state.json` and `published.json`. */
export async function compileStateSchema(outDir = join(here, '../agent/store')) {
  const { $defs } = JSON.parse(await readFile(join(here, 'state.schema.json'), 'utf8'));
  const lines = new Map();
  define('state');
  define('published');
  const unused = Object.keys($defs).filter((name) => !lines.has(name));
  if (unused.length > 0) {
    throw new Error(`state.schema.json: nothing uses ${unused.join(', ')}`);
  }
  await writeFile(
    join(outDir, 'validate.generated.js'),
    `${banner}import * as shape from './shape.ts';

${[...lines.values()].join('')}
export { is_state as validateState, is_published as validatePublished };
`,
  );
  await writeFile(
    join(outDir, 'validate.generated.d.ts'),
    `${banner}import type { PublishedFile, StateFile } from './state-file.ts';

export function validateState(value: unknown): value is StateFile;
export function validatePublished(value: unknown): value is PublishedFile;
`,
  );

  /** Each definition stands after those that it needs. */
  function define(name) {
    if (!lines.has(name)) {
      const code = shapeCode(name, $defs[name]);
      lines.set(name, `const is_${name} = /* @__PURE__ */ ${code};\n`);
    }
    return `is_${name}`;
  }

  function shapeCode(place, schema) {
    if (schema.$ref !== undefined) {
      refuseUnknown(place, schema, ['$ref']);
      return define(schema.$ref.replace('#/$defs/', ''));
    }
    if (schema.const !== undefined) {
      refuseUnknown(place, schema, ['const']);
      return `shape.oneOf(${JSON.stringify(schema.const)})`;
    }
    if (schema.enum !== undefined) {
      refuseUnknown(place, schema, ['type', 'enum']);
      return `shape.oneOf(${schema.enum.map((word) => JSON.stringify(word)).join(', ')})`;
    }
    return typedCode(place, schema);
  }

  function typedCode(place, { type, ...rules }) {
    switch (type) {
      case 'boolean':
        refuseUnknown(place, rules, []);
        return 'shape.flag';
      case 'number':
        refuseUnknown(place, rules, []);
        return 'shape.number';
      case 'integer':
        refuseUnknown(place, rules, ['minimum']);
        return `shape.count(${rules.minimum})`;
      case 'string':
        refuseUnknown(place, rules, ['minLength', 'maxLength']);
        return rules.maxLength === undefined
          ? 'shape.text'
          : `shape.textOfLength(${rules.minLength ?? 0}, ${rules.maxLength})`;
      case 'array':
        refuseUnknown(place, rules, ['items']);
        return `shape.listOf(${shapeCode(place, rules.items)})`;
      case 'object':
        return objectCode(place, rules);
      default:
        throw new Error(`state.schema.json: ${place} has the unknown type ${type}`);
    }
  }

  function objectCode(place, { properties, required = [], additionalProperties, ...rest }) {
    refuseUnknown(place, rest, []);
    if (properties === undefined) {
      return additionalProperties === undefined
        ? 'shape.record'
        : `shape.mapOf(${shapeCode(place, additionalProperties)})`;
    }
    if (additionalProperties !== undefined && additionalProperties !== false) {
      throw new Error(`state.schema.json: ${place} is neither a map nor an object`);
    }
    const part = (isRequired) => {
      const members = Object.entries(properties)
        .filter(([name]) => required.includes(name) === isRequired)
        .map(([name, schema]) => `${JSON.stringify(name)}: ${shapeCode(`${place}.${name}`, schema)}`);
      return `{ ${members.join(', ')} }`;
    };
    return `shape.${additionalProperties === false ? 'closedObject' : 'object'}(${part(true)}, ${part(false)})`;
  }
}

/** A keyword that the generated code would silently ignore. */
function refuseUnknown(place, schema, known) {
  const unknown = Object.keys(schema).filter((keyword) => !known.includes(keyword));
  if (unknown.length > 0) {
    throw new Error(`${place}: schemas/compile.mjs does not know ${unknown.join(', ')}`);
  }
}

function declarations(sections) {
  let text = `
import type { SectionFacts, Validator } from './options.ts';

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
