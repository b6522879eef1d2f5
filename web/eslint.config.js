import js from '@eslint/js'
import hooks from 'eslint-plugin-react-hooks'
import { readdirSync } from 'node:fs'
import ts from 'typescript-eslint'

const features = readdirSync(`${import.meta.dirname}/src/features`)

/** A feature is a room of its own: it may use shared/, never another feature and never app/. */
const boundaries = features.map((feature) => ({
  files: [`src/features/${feature}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            group: [
              ...features.filter((other) => other !== feature).map((other) => `@/features/${other}`),
              ...features.filter((other) => other !== feature).map((other) => `@/features/${other}/**`),
              '../../features/*',
              '@/app',
              '@/app/**',
              '../../app/**',
            ],
            message: 'Features import shared/ only; what two features need belongs there.',
          },
        ],
      },
    ],
  },
}))

export default ts.config(
  { ignores: ['dist', 'node_modules', 'e2e', 'src/shared/api/schema.d.ts'] },
  js.configs.recommended,
  ...ts.configs.recommended,
  hooks.configs.flat.recommended,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
    },
  },
  ...boundaries,
  {
    files: ['src/shared/**/*.{ts,tsx}'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['@/features/**', '@/app/**'], message: 'shared/ stands below app/ and features/.' }] },
      ],
    },
  },
)
