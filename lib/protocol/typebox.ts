// TypeBox for the files of lib/. In the published package this file is a bundle of what it exports (scripts/bundle-typebox.js): Node.js loads one
// file instead of 250. The bundle is a second copy of TypeBox. It has no formats and types that an application registered, so the schemas of an
// application are compiled by the package: see compilerFor in messages.ts.
export { FormatRegistry, Type, TypeGuard } from '@sinclair/typebox'
export type { Static, TObject, TSchema } from '@sinclair/typebox'
export { TypeCompiler } from '@sinclair/typebox/compiler'
export { Value } from '@sinclair/typebox/value'
