/**
 * Turns the JSON Schemas into code at build time, so that no schema compiler and no schema ships: for the
 * configuration Ajv's standalone code, whose faults become messages; for the saved files, where a yes or no
 * is enough, checks of a tenth of that size. Keywords that nobody would check fail the build.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';

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
  // The options need nothing newer than draft 7, whose code is the smaller one.
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    messages: false,
    strict: false,
    code: { source: true, esm: true, optimize: 2 },
  });
  for (const [type, { properties, required = [] }] of sections) {
    // Unknown options are the loader's business: it only warns of them.
    ajv.addSchema({ type: 'object', required, properties: checkedParts(properties) }, type);
  }
  const names = Object.fromEntries(sections.map(([type]) => [validatorName(type), type]));
  const code = smallFaults(standaloneCode.default(ajv, names));
  await writeFile(
    join(outDir, 'validate.generated.js'),
    `${banner}import { noteFault } from './options.ts';
${code}
export const sectionFacts = ${JSON.stringify(facts, null, 2)};

export const secretOfAccount = ${JSON.stringify(secretsIn(facts.account))};
`,
  );
  await writeFile(join(outDir, 'validate.generated.d.ts'), banner + declarations($defs));
}

/** Options without what is for people, an enum as a pattern: else the code would carry copies of the schema. */
function checkedParts(properties) {
  const parts = Object.entries(properties).map(([name, property]) => {
    const { enum: words, ...rest } = property;
    const kept = Object.entries(rest).filter(([key]) => !ANNOTATIONS.includes(key) && !key.startsWith('x-'));
    return [name, { ...Object.fromEntries(kept), ...(words && { pattern: `^(?:${words.join('|')})$` }) }];
  });
  return Object.fromEntries(parts);
}

/** Ajv writes eight lines for each fault that might be; one call does the same with half of the code. */
function smallFaults(code) {
  const fault =
    /const err\d+ = \{instancePath(?::(.+?))?,schemaPath:"(?:[^"\\]|\\.)*",keyword:("\w+"),params:(\{.*?\})\};if\(vErrors === null\)\{vErrors = \[err\d+\];\}else \{vErrors\.push\(err\d+\);\}errors\+\+;/g;
  const small = code.replace(
    fault,
    (_, path = '""', keyword, params) =>
      `vErrors = noteFault(vErrors, ${path.replace('instancePath+', '')}${keyword === '"required"' ? `, ${params}` : ''});errors++;`,
  );
  if (small.includes('vErrors.push')) {
    throw new Error('Ajv writes its faults in another way now: adapt smallFaults in schemas/compile.mjs');
  }
  // Else every bundle that needs one of the facts would compile all these patterns.
  return small.replaceAll('= new RegExp(', '= /* @__PURE__ */ new RegExp(');
}

function sectionFacts(type, section) {
  const { properties, required: _, additionalProperties, ...rest } = section;
  if (rest.type !== 'object' || additionalProperties !== false) {
    throw new Error(`config.schema.json: section ${type} must be a closed object`);
  }
  refuseUnknown(`section ${type}`, rest, ['type', 'x-later', ...ANNOTATIONS]);
  const options = Object.entries(properties).map(([name, property]) => [
    name,
    optionFacts(`${type}.${name}`, property),
  ]);
  return { later: section['x-later'], options: Object.fromEntries(options) };
}

function secretsIn({ options }) {
  return Object.keys(options).filter((name) => options[name].secret);
}

const OPTION_FACTS = ['type', 'enum', 'minimum', 'maximum', 'default'];
/** Ajv's code checks these and no message needs them. */
const CHECKED_ONLY = ['pattern', 'minItems'];
const EXTRA_FACTS = ['unit', 'allowed', 'secret', 'later', 'planned'];

function optionFacts(place, { items, ...property }) {
  const extra = EXTRA_FACTS.map((name) => `x-${name}`);
  refuseUnknown(place, property, [...OPTION_FACTS, ...CHECKED_ONLY, ...extra, ...ANNOTATIONS]);
  const facts = [
    ...OPTION_FACTS.map((name) => [name, property[name]]),
    ...EXTRA_FACTS.map((name) => [name, property[`x-${name}`]]),
  ];
  if (property.type === 'array') {
    refuseUnknown(`${place}, items`, items, ['type', 'pattern']);
    if (items.type !== 'string' || 'pattern' in property) {
      throw new Error(`config.schema.json: ${place} must be a list of texts`);
    }
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
/** The options of an account that are marked as secret. Alone, for the agent that stays needs no other fact. */
export const secretOfAccount: readonly string[];
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
