import { request } from '../api.ts'
import { randomText } from '../crypto/base64.ts'
import { read, write } from '../device/database.ts'
import type { Session } from '../session.ts'
import { Signal } from '../ui/signal.ts'
import type { ProfileDevice } from './entry.ts'

// The profile is a document that only one person has: the list of their documents. It keeps the lists of all of their devices the same. It comes into
// being with a second way in, another device or a recovery file: whoever has only one browser has no use for it.

/** What this device keeps of it. */
export interface ProfileSetting {
  memberId: string
  /** The id of this device. */
  device: string
  /** Ids of the devices that this person knows of. Undefined until the profile was loaded once. */
  seen?: string[]
}

/** The profile while this page keeps it the same: `ProfileSync`. */
export interface Profile {
  /** All but this one. */
  otherDevices: ProfileDevice[]
  /** Those that this person has not seen yet. */
  newDevices: ProfileDevice[]
  /** Resolves when the server has everything of this device. */
  whenSaved: () => Promise<void>
  /** The devices with these sessions are no devices of this person any more. */
  forgetSessions: (are: (sessionId: string) => boolean) => void
  noteSeen: () => Promise<void>
}

export const profileSetting = new Signal<ProfileSetting | undefined>(undefined)
export const profile = new Signal<Profile | undefined>(undefined)

export async function loadProfile (): Promise<void> {
  profileSetting.set(await read<ProfileSetting>('settings', 'profile'))
}

export async function keepProfile (setting: ProfileSetting): Promise<void> {
  await write('settings', setting, 'profile')
  profileSetting.set(setting)
}

/** From now on this device keeps the profile of this person. */
export async function useProfile ({ memberId }: Pick<Session, 'memberId'>): Promise<void> {
  await loadProfile()
  if (profileSetting.get()?.memberId !== memberId) await keepProfile({ memberId, device: randomText(12) })
}

export function hasProfile ({ memberId }: Pick<Session, 'memberId'>): boolean {
  return profileSetting.get()?.memberId === memberId
}

/** The id of a session is no secret, unlike its key. */
export async function sessionIdOf (sessionKey: string): Promise<string> {
  return (await request<{ sessionId: string }>('GET', '/api/session', sessionKey)).sessionId
}
