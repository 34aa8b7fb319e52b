import type { DocumentRecord } from '../device/documents.ts'
import { mergeKeys } from '../device/merge-keys.ts'
import type { Entry } from './entry.ts'

/** What a device and the profile last agreed on, kept with the document on the device. */
export type Agreed = Pick<Entry, 'title' | 'folder' | 'replacedKeyId' | 'compared'>

type Texts = Record<string, string>

/**
 * Makes a document of a device and its entry in the profile the same. Gives what each of them is to be.
 * - keys: all of both, in order
 * - title, folder, a key that is being replaced: whichever was changed since both agreed. If both were, or never agreed, that of the profile
 * - safety numbers that were compared: as above, for each member
 * - devices of members: a device takes from the profile only those whose safety number was compared. It has seen the others itself: the server could
 *   have named a wrong one to another device of this person. The profile has them for a device to which the document is new.
 * - owner: the same. Each device follows the word of the owners itself. The profile has the last one
 */
export function reconcile (record: DocumentRecord, entry: Entry | undefined): { record: DocumentRecord, entry: Entry } {
  const { inProfile: agreed, keyFromLink } = record
  // Nobody knows yet whether a key from a link is right.
  const own = record.keys.filter((key) => key !== keyFromLink)
  const keys = mergeKeys(entry?.keys ?? [], own)
  const compared = mergeCompared(record.compared ?? {}, agreed?.compared ?? {}, entry?.compared ?? {})
  const facts: Agreed = {
    title: agreed === undefined ? entry?.title || record.title : changed(record.title, agreed.title, entry?.title) ?? '',
    folder: changed(record.folder ?? '', agreed?.folder, entry?.folder) ?? '',
    ...present('replacedKeyId', changed(record.replacedKeyId, agreed?.replacedKeyId, entry?.replacedKeyId)),
    compared
  }
  return {
    record: recordOf(record, facts, keys),
    entry: {
      ...facts,
      keys,
      devices: { ...record.devices, ...entry?.devices, ...compared },
      ...present('owner', later(entry?.owner, ownerOf(record))),
      openedAt: entry?.openedAt ?? record.openedAt,
      ...present('role', entry?.role ?? record.role)
    }
  }
}

function recordOf (record: DocumentRecord, facts: Agreed, keys: string[]): DocumentRecord {
  const { keyFromLink, folder, ...others } = record
  const { compared } = facts
  const isUnproven = keyFromLink !== undefined && !keys.includes(keyFromLink)
  return {
    ...others,
    title: facts.title,
    keys: isUnproven ? [keyFromLink, ...keys] : keys,
    ...isUnproven && { keyFromLink },
    ...present('replacedKeyId', facts.replacedKeyId),
    devices: { ...record.devices, ...compared },
    ...(others.compared !== undefined || Object.keys(compared).length > 0) && { compared },
    ...(folder !== undefined || facts.folder !== '') && { folder: facts.folder },
    inProfile: facts
  }
}

/** A document that is new to a device. */
export function recordFrom (id: string, entry: Entry): DocumentRecord {
  const { keys, title, folder, owner, replacedKeyId, devices, compared, role, openedAt } = entry
  const facts: Agreed = { title, folder, ...present('replacedKeyId', replacedKeyId), compared }
  const empty: DocumentRecord = { id, title, role, keys, registered: true, devices, openedAt, ...present('owner', owner?.memberId), ...present('handovers', owner?.handovers) }
  return recordOf(empty, facts, keys)
}

function ownerOf ({ owner, handovers = 0 }: DocumentRecord): Entry['owner'] {
  return owner === undefined ? undefined : { memberId: owner, handovers }
}

function later (one: Entry['owner'], other: Entry['owner']): Entry['owner'] {
  return one === undefined || (other !== undefined && other.handovers > one.handovers) ? other : one
}

function present<Name extends string, Value> (name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  const present: Partial<Record<Name, Value>> = {}
  if (value !== undefined) present[name] = value
  return present
}

/** Undefined is no value of anybody. */
function changed<Value> (own: Value | undefined, agreed: Value | undefined, others: Value | undefined): Value | undefined {
  if (others === undefined) return own
  return own !== undefined && own !== agreed && others === agreed ? own : others
}

function mergeCompared (own: Texts, agreed: Texts, others: Texts): Texts {
  const merged: Texts = {}
  for (const memberId of Object.keys({ ...own, ...others })) {
    const value = changed(own[memberId], agreed[memberId], others[memberId])
    if (value !== undefined) merged[memberId] = value
  }
  return merged
}
