// What the type checker does not see. The layers between folders are .dependency-cruiser.cjs's.
import js from '@eslint/js'
import tseslint from 'typescript-eslint'
import { security, sleeps } from './eslint.security.js'

const door = 'goes through a Host (src/host/host.ts): only src/host may reach the outside'

/** Modules and globals by which code would reach the outside without its Host. */
const effects = {
  paths: [
    'fs',
    'fs/promises',
    'child_process',
    'process',
    'os',
    'net',
    'http',
    'https',
    'dgram',
    'dns',
    'module',
    'worker_threads',
    'cluster',
    'tty',
    'readline',
  ].flatMap((name) => [
    { name, message: `${name} ${door}` },
    { name: `node:${name}`, message: `node:${name} ${door}` },
  ]),
  patterns: [{ group: ['**/*.node', 'bun', 'bun:*'], message: `the addon and Bun ${door}` }],
}
const globals = ['process', 'require', 'Bun', 'console', 'fetch', 'setTimeout', 'setInterval', 'setImmediate'].map(
  (name) => ({
    name,
    message: `${name} ${door}`,
  }),
)

const literalImports = {
  selector: 'ImportExpression[source.type!="Literal"]',
  message: 'import by a literal path, so that the bundler sees it',
}

export default tseslint.config(
  { ignores: ['node_modules/', 'build/', 'build-*/', 'dist/', 'demo/', '.cache/', '**/*.gen.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // noUncheckedIndexedAccess makes `!` the way to say "this index exists".
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // `||` on text means "or where it is empty".
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      // Functions of one interface are async together, whether each awaits or not.
      '@typescript-eslint/require-await': 'off',
      // Unions and intersections of object types read better as types; which to choose is the writer's.
      '@typescript-eslint/consistent-type-definitions': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/host/**', 'src/cli.ts'],
    rules: {
      'no-restricted-imports': ['error', effects],
      'no-restricted-globals': ['error', ...globals],
      'no-restricted-syntax': ['error', literalImports, ...sleeps, ...security.everywhere],
    },
  },
  {
    files: ['src/host/**', 'src/cli.ts'],
    rules: { 'no-restricted-syntax': ['error', ...sleeps, ...security.everywhere] },
  },
  {
    files: security.steps,
    rules: {
      'no-restricted-syntax': ['error', literalImports, ...sleeps, ...security.everywhere, ...security.inSteps],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 500 }],
      'max-lines-per-function': ['error', { max: 80, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', module: 'writable', require: 'readonly' },
    },
  },
)
