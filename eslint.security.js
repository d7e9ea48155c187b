// Syntax that led to weaknesses of container runtimes, or to slow ones, for no-restricted-syntax. Those of the native code are scripts/native-rules.ts's.

/** Texts of config.json become arguments of their own (fsconfig(2)), and no syntax of a list: an option would make others. */
const options = 'one parameter for each option: a text with a comma would become several (compare CVE-2024-3154)'
/** Compilers of steps, where no path and no option is a text that was put together. */
const steps = ['src/rootfs', 'src/compiler', 'src/process', 'src/plan']

const everywhere = [
  {
    selector: 'CallExpression[callee.name="parseInt"]:not([arguments.1.value=8])',
    message: 'takes what is no number for one, or for 0 (CVE-2026-30892): match decimal digits, then Number()',
  },
  {
    selector:
      ':matches(CallExpression[callee.name="parseFloat"], MemberExpression[property.name=/^parse(Int|Float)$/])',
    message: 'takes what is no number for one (CVE-2026-30892): match decimal digits, then Number()',
  },
]

const inSteps = [
  {
    selector: 'CallExpression[callee.property.name="join"][arguments.0.value=/^[,:]$/]',
    message: options,
  },
  { selector: 'TemplateLiteral[expressions.length>0] > TemplateElement[value.raw=/,\\w+=$/]', message: options },
  { selector: 'BinaryExpression[operator="+"] > Literal[value=/,\\w+=$/]', message: options },
  {
    selector: 'TemplateLiteral > :matches(Identifier, MemberExpression, CallExpression)[name=/^root(fs|Path)$/]',
    message: 'a path below the root is resolved in its descriptor: openIn (CVE-2021-30465, CVE-2026-41579)',
  },
  {
    selector: 'CallExpression[callee.property.name=/^(join|resolve)$/] > Identifier[name=/^root(fs|Path)$/]',
    message: 'a path below the root is resolved in its descriptor: openIn (CVE-2021-30465, CVE-2026-41579)',
  },
  {
    selector:
      'CallExpression[callee.property.name="add"][arguments.0.value="openTree"] Property[key.name="path"] > Literal[value=/^\\u002f(proc|sys)\\b/]',
    message: 'what is at /proc may be an image’s: a procfs of its own (CVE-2019-16884, CVE-2025-52881)',
  },
]

const waits =
  'wait for an event with a time limit: Host has waits for what commands wait for (docs/performance.md, "Waits")'

/** What looks again and again is late, and keeps the processor busy. */
export const sleeps = [
  { selector: 'MemberExpression[object.name="Atomics"][property.name=/^wait/]', message: waits },
  { selector: 'MemberExpression[property.name=/^(u|nano)?sleep$/]', message: waits },
  { selector: 'CallExpression[callee.name=/^((u|nano)?sleep|setTimeout|setInterval|setImmediate)$/]', message: waits },
]

export const security = { steps: steps.map((folder) => `${folder}/**/*.ts`), everywhere, inSteps }
