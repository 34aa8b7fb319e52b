import neostandard from 'neostandard'

export default [
  ...neostandard({
    ts: true,
    ignores: ['dist', 'example-app/dist', 'bench/dist', 'lib/stores/prisma-client', 'example-app/server/prisma-client', '.tap', 'data']
  }),
  {
    rules: {
      // TypeBox: a schema and the type derived from it have one name.
      '@typescript-eslint/no-redeclare': 'off',
      // Says of a promise that nobody waits for it on purpose.
      'no-void': ['error', { allowAsStatement: true }],
      '@stylistic/max-len': ['error', { code: 160, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true }]
    }
  }
]
