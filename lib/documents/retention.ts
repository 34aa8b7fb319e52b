import { OptionInvalid } from '../errors.ts'
import { Type, Value, type Static } from '../protocol/typebox.ts'
import { Retention } from '../stores/prune.ts'

/** A timer of Node.js takes no more. */
const maxInterval = 2 ** 31 - 1

// docs/options.md is generated from the comments of these schemas: `npm run docs`.
export const RetentionSettings = Type.Object({
  ...Retention.properties,
  /** Time between two runs of a node. The time before a run is half of it to all of it, at random. @unit ms */
  interval: Type.Integer({ minimum: 100, maximum: maxInterval, default: 600_000 }),
  /** Share of its time that a run may keep one connection of the database busy. */
  share: Type.Number({ minimum: 0.01, maximum: 1, default: 0.2 })
}, { additionalProperties: false })
export type RetentionSettings = Static<typeof RetentionSettings>

/** The option `retention`. */
export type RetentionOptions = { [Name in keyof RetentionSettings]?: RetentionSettings[Name] | undefined }

const advice: Record<keyof RetentionSettings, string> = {
  snapshots: 'must be an integer of at least 1: the active snapshot is always kept',
  age: 'must be a number of milliseconds, for instance 30 * 24 * 3600 * 1000',
  updates: 'must be an integer of at least 1: the updates on the active snapshot are always kept',
  interval: `must be an integer from 100 to ${maxInterval}, in milliseconds`,
  share: 'must be a number from 0.01 to 1'
}
export const retentionNames = Object.keys(advice)

/** Checks the option and adds defaults. `canPrune`: the store can remove old snapshots. */
export function resolveRetention (given: RetentionOptions, canPrune: boolean): RetentionSettings {
  const settings = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const unknown = Object.keys(settings).find((name) => !retentionNames.includes(name))
  if (unknown !== undefined) throw new OptionInvalid(`retention.${unknown}`, `is unknown. The properties are ${retentionNames.join(', ')}`)
  for (const [name, text] of Object.entries(advice)) {
    if (name in settings && !Value.Check(RetentionSettings.properties[name as keyof RetentionSettings], settings[name])) {
      throw new OptionInvalid(`retention.${name}`, text)
    }
  }
  const resolved = Value.Default(RetentionSettings, settings) as RetentionSettings
  const { snapshots, age, updates } = resolved
  if (snapshots === undefined && age === undefined && updates === undefined) {
    throw new OptionInvalid('retention', 'does not say what is kept. Pass snapshots, age or updates, for instance { snapshots: 10 }. To keep everything, leave out the option')
  }
  if (!canPrune) {
    throw new OptionInvalid('retention', 'needs the Prisma store. For a store of your own, pass documentCallbacks: { prune }, which removes what is not kept')
  }
  return resolved
}
