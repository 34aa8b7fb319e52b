// Reads documented properties from TypeScript: of an interface, or of the object of a TypeBox schema.
import { readFileSync } from 'node:fs'
import ts from 'typescript'

export interface Declaration {
  name: string
  isOptional: boolean
  /** The comment above it, without its tags. */
  meaning: string
  /** `@type`, `@unit`, `@default` and `@see` of the comment. */
  tags: Partial<Record<string, string>>
}

/** The properties of an interface, or of the object in `const name = Type.Object({ … })`, in their order. Throws for one without a comment. */
export function declarationsOf (file: string, name: string): Declaration[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  const members = source.statements.flatMap((statement) => membersOf(statement, name))
  if (members.length === 0) throw new Error(`${file} has no interface and no schema with the name ${name}`)
  return members.map((member) => {
    const declaration = { name: nameOf(member), isOptional: 'questionToken' in member && member.questionToken !== undefined, ...commentOf(member, source.text) }
    if (declaration.meaning === '') throw new Error(`${file}: ${name}.${declaration.name} has no comment`)
    return declaration
  })
}

type Member = ts.PropertySignature | ts.PropertyAssignment

function membersOf (statement: ts.Statement, name: string): Member[] {
  if (ts.isInterfaceDeclaration(statement)) return statement.name.text === name ? statement.members.filter(ts.isPropertySignature) : []
  if (!ts.isVariableStatement(statement)) return []
  return statement.declarationList.declarations.flatMap(({ name: declared, initializer }) => {
    if (!ts.isIdentifier(declared) || declared.text !== name || initializer === undefined || !ts.isCallExpression(initializer)) return []
    const [object] = initializer.arguments
    return object !== undefined && ts.isObjectLiteralExpression(object) ? object.properties.filter(ts.isPropertyAssignment) : []
  })
}

function nameOf ({ name }: Member): string {
  if (!ts.isIdentifier(name)) throw new Error('A property has a name that is computed')
  return name.text
}

function commentOf (member: Member, text: string): Pick<Declaration, 'meaning' | 'tags'> {
  const range = ts.getLeadingCommentRanges(text, member.pos)?.at(-1)
  const comment = range === undefined ? '' : text.slice(range.pos, range.end)
  if (!comment.startsWith('/**')) return { meaning: '', tags: {} }
  const line = comment.slice(3, -2).replace(/^\s*\*/gm, '').replace(/\s+/g, ' ').trim()
  const [meaning = '', ...tags] = line.split(/ @(?=(?:type|unit|default|see) )/)
  return { meaning, tags: Object.fromEntries(tags.map((tag) => [tag.slice(0, tag.indexOf(' ')), tag.slice(tag.indexOf(' ') + 1)])) }
}
