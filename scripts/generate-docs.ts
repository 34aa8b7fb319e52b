import { writeFileSync } from 'node:fs'
import { generatePages } from './docs/generate.ts'

for (const { path, text, generated } of generatePages()) {
  if (generated === text) continue
  writeFileSync(path, generated)
  console.log(path)
}
